import {
  formatCount,
  formatCounted,
  formatInteger,
  formatPercent,
  formatRate,
  formatSeconds,
  formatTokenRate,
} from '../text/format.ts';
import { type EngineLoad, gpuMemory } from '../core/measurements.ts';
import type { MachineState, RunProgress, Snapshot } from '../core/snapshot.ts';
import type { Rates, TokenRate } from '../core/snapshot/rates.ts';

/** One number of a line of progress, as text. */
export interface Field {
  name:
    | 'percent'
    | 'count'
    | 'errors'
    | 'waiting'
    | 'rate'
    | 'eta'
    | 'generation'
    | 'prompt'
    | 'elapsed'
    | 'memory'
    | 'reused'
    | 'workers'
    | 'load'
    | 'flight';
  /** Empty where the field does not apply to this run, or its number is not measured yet. */
  text: string;
  /** The text where the line is narrow, where it can be said in fewer words. */
  short?: string;
}

/** When and how the fields are shown. */
export interface Shown {
  /** Milliseconds since the run is shown. */
  waitedMs: number;
  /** The run has ended, also where it is not done: the rates are those of all of it, as its summary has them. */
  isFinal?: boolean;
}

/** The fields of a line of progress, in the order of reading: what matters first, and at the end what comes and goes. */
export function progressFields(snapshot: Snapshot, { waitedMs, isFinal = false }: Shown): Field[] {
  const { progress, times, machine } = snapshot;
  const { total, done, reused } = progress;
  const isOver = isFinal || (total !== null && done >= total);
  const rates = rateTexts(snapshot, isOver);
  const waiting = waitingText(snapshot, waitedMs);
  return [
    { name: 'percent', text: total === null ? '' : `${percentOf(done, total)}%`.padStart(4) },
    { name: 'count', text: countText(progress) },
    { name: 'errors', text: errorsText(snapshot) },
    { name: 'waiting', text: waiting },
    { name: 'rate', text: rates.requests },
    isOver ? { name: 'eta', text: '', short: '' } : etaField(snapshot),
    { name: 'generation', text: rates.generation },
    { name: 'prompt', text: rates.prompt },
    { name: 'elapsed', text: hasNumbers(snapshot) ? `elapsed ${formatSeconds(Math.floor(times.elapsedSeconds))}` : '' },
    { name: 'memory', text: memoryText(machine) },
    { name: 'reused', text: reused === undefined ? '' : `${short(reused)} reused` },
    { name: 'workers', text: workersText(progress) },
    { name: 'load', text: loadText(machine) },
    // The wait for the first answer says it already.
    waiting === '' ? flightField(progress) : { name: 'flight', text: '' },
  ];
}

/** The rates of the last minute, or of all of the run. A paused run has none. */
function rateTexts({ progress, rates }: Snapshot, isOver: boolean): Record<keyof Rates, string> {
  const { requests, generation, prompt } = rates;
  if (progress.isPaused === true && !isOver) return { requests: '', generation: '', prompt: '' };
  const rate = isOver ? requests.overall : (requests.recent ?? requests.overall);
  return {
    requests: rate === null ? '' : `${formatRate(rate)} req/s`,
    generation: tokenRateText(generation, isOver, 'tok/s'),
    prompt: tokenRateText(prompt, isOver, 'prompt tok/s'),
  };
}

/** Told from the first answer on, so that its place is never empty later. */
const errorsText = ({ progress: { failed }, rates }: Snapshot): string =>
  failed === 0 && rates.requests.overall === null ? '' : `${short(failed)} failed`;

/** Percent of the requests that are done, rounded down, so that 100 % is shown only when nothing is left. */
const percentOf = (done: number, total: number): number => (total === 0 ? 100 : Math.floor((done / total) * 100));

function countText({ total, done }: RunProgress): string {
  if (total !== null) return `${short(done).padStart(short(total).length)}/${short(total)}`;
  return done === 0 ? '' : `${formatInteger(done)} done`;
}

/** A count in full up to six digits: `12.3k/12.3k` would not tell how many are left. */
const short = (value: number): string => (value < 1_000_000 ? formatInteger(value) : formatCount(value));

/** Shortest wait in milliseconds that is told: most first answers are there by then. */
const minWaitMs = 3000;

/** Says how long the start, and then the first token of this session, takes so far; empty once one is there, and for the first seconds. */
export function waitingText(snapshot: Snapshot, waitedMs: number): string {
  const { inFlight, total, done, isPaused, step = 'starting' } = snapshot.progress;
  // The time in flight goes on as `elapsed`, which has no part of the start.
  const seconds = inFlight === 0 ? waitedMs / 1000 : snapshot.times.elapsedSeconds;
  if (isPaused === true || hasNumbers(snapshot) || (total !== null && done >= total) || waitedMs < minWaitMs) return '';
  const what = inFlight === 0 ? step : `${formatInteger(inFlight)} in flight`;
  return `${what}, ${formatSeconds(Math.floor(seconds))}`;
}

const hasNumbers = ({ rates }: Snapshot): boolean =>
  rates.requests.overall !== null || rates.generation.overall !== null;

/** A rate of tokens. The tilde: it comes from answers that have ended, and lags behind what the engine does. */
function tokenRateText({ recent, overall, basis }: TokenRate, isOver: boolean, unit: string): string {
  const rate = isOver ? overall : (recent ?? overall);
  if (rate === null || basis === null) return '';
  return `${basis === 'ended' ? '~' : ''}${formatTokenRate(rate)} ${unit}`;
}

/** Shortest age in seconds of the oldest request in flight that is told: most answers are there by then. */
const minAgeSeconds = 10;

const isSlow = ({ oldestInFlight }: RunProgress): boolean => (oldestInFlight?.ageSeconds ?? 0) >= minAgeSeconds;

/** The request that has been in flight for longest, and how far its answer is, where answers take long. */
function flightField(progress: RunProgress): Field {
  const { inFlight, oldestInFlight: oldest } = progress;
  if (oldest === null || !isSlow(progress)) return { name: 'flight', text: '' };
  const age = formatSeconds(Math.floor(oldest.ageSeconds));
  const far = !oldest.tokens ? age : `${age}, ${formatCounted(oldest.tokens, 'token')}`;
  const text =
    inFlight === 1 ? `1 in flight for ${far}` : `${formatInteger(inFlight)} in flight, the oldest for ${far}`;
  return { name: 'flight', text, short: `oldest ${far}` };
}

/** Why no new request is sent now; empty where they are sent. */
function holdText({ progress, servers }: Snapshot): string {
  const { inFlight } = progress;
  if (progress.isStopping === true)
    return inFlight === 0 ? 'stopping' : `stopping (${formatInteger(inFlight)} in flight)`;
  if (progress.isPaused === true) return 'paused';
  // Of several servers, each says it beside its name.
  if (progress.givingWay !== undefined && servers === null) return 'gives way to others';
  return progress.workers.current === 0 && progress.workers.atStart > 0 ? 'paused: VRAM' : '';
}

/** The workers, only where some of them may not send now or where the run finds their number itself. */
function workersText(progress: RunProgress): string {
  const { current, atStart, max } = progress.workers;
  if (current > 0 && max > atStart) return isSlow(progress) ? '' : `${current} in flight`;
  return current === 0 || current === atStart ? '' : `${current} of ${atStart} workers`;
}

/** Requests that the engine works on, requests that wait for it, and how full its KV cache is, where the engine reports them. */
function loadText({ engineLoad: load }: MachineState): string {
  if (load === null) return '';
  const { running, waiting, kvUsage, others, replicas } = load;
  const queue = waiting === null ? '' : `, ${waiting} waiting`;
  const shared = others === undefined ? '' : ` (${others} of others)`;
  const kv = kvUsage === null ? '' : `, KV ${formatPercent(kvUsage)}`;
  return `${running} running${queue}${shared}${kv}${replicas === undefined ? '' : replicasText(replicas)}`;
}

/** `, 2 replicas`; where not all are there, `, 2 of 4 replicas (1 pending, 1 lost)`. */
function replicasText({ up, pending, lost }: NonNullable<EngineLoad['replicas']>): string {
  if (pending + lost === 0) return `, ${formatCounted(up, 'replica')}`;
  const missing = [pending > 0 ? `${pending} pending` : '', lost > 0 ? `${lost} lost` : ''].filter(Boolean).join(', ');
  return `, ${up} of ${formatCounted(up + pending + lost, 'replica')} (${missing})`;
}

/** The ETA, or, in its place, why there is none. */
function etaField(snapshot: Snapshot): Field {
  const { eta } = snapshot.times;
  const hold = holdText(snapshot);
  if (hold !== '' || eta === null) return { name: 'eta', text: hold, short: hold };
  const [low, high] = [formatSeconds(eta.low), formatSeconds(eta.high)];
  const range = low === high ? '' : ` (${low} to ${high})`;
  return { name: 'eta', text: `ETA ${formatSeconds(eta.seconds)}${range}`, short: `ETA ${formatRange(eta)}` };
}

const units = [
  { seconds: 1, name: 's' },
  { seconds: 60, name: 'min' },
  { seconds: 3600, name: 'h' },
  { seconds: 86_400, name: 'days' },
] as const;

/** 15-22 s, 6-10 min, up to 2 h: as few figures as tell the range. */
function formatRange({ low, high }: { low: number; high: number }): string {
  const { seconds, name } = units.find((unit) => high < 100 * unit.seconds) ?? units[3];
  const [first, last] = [Math.floor(low / seconds), Math.ceil(high / seconds)];
  if (first === last) return `${last} ${name}`;
  return first === 0 ? `up to ${last} ${name}` : `${first}-${last} ${name}`;
}

function memoryText({ gpus }: MachineState): string {
  const { usedBytes, totalBytes } = gpuMemory(gpus ?? []);
  if (usedBytes === null || totalBytes === null) return '';
  return `VRAM ${gibibytes(usedBytes)}/${gibibytes(totalBytes)}G`;
}

const gibibytes = (bytes: number): string => (bytes / 1024 ** 3).toFixed(1);
