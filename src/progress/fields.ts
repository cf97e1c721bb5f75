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
    | 'waiting'
    | 'rate'
    | 'generation'
    | 'prompt'
    | 'workers'
    | 'load'
    | 'flight'
    | 'elapsed'
    | 'eta'
    | 'range'
    | 'errors'
    | 'reused'
    | 'memory';
  text: string;
  /** The text where the line is narrow, where it can be said in fewer words. */
  short?: string;
}

/**
 * The fields of a line of progress, in the order of reading. Those that do not apply to this run, or whose number is not
 * measured yet, are left out. `waitedMs`: the time since the run is shown.
 */
export function progressFields(snapshot: Snapshot, waitedMs: number): Field[] {
  const { progress, rates, times, machine } = snapshot;
  const { total, done, failed, reused } = progress;
  const fields: Field[] = [
    { name: 'percent', text: total === null ? '' : `${percentOf(done, total)}%`.padStart(4) },
    { name: 'count', text: countText(progress) },
    { name: 'waiting', text: waitingText(snapshot, waitedMs) },
    ...(progress.isPaused === true ? [] : rateFields(rates, total !== null && done >= total)),
    { name: 'workers', text: workersText(snapshot) },
    { name: 'load', text: loadText(machine) },
    flightField(progress),
    { name: 'elapsed', text: hasNumbers(snapshot) ? `elapsed ${formatSeconds(Math.floor(times.elapsedSeconds))}` : '' },
    ...(total === null || done >= total ? [] : etaFields(times)),
    { name: 'errors', text: failed === 0 ? '' : `${short(failed)} failed` },
    { name: 'reused', text: reused === undefined ? '' : `${short(reused)} reused` },
    { name: 'memory', text: memoryText(machine) },
  ];
  return fields.filter((field) => field.text !== '');
}

/** The rates of the last minute; of a run that is done those of all of it, as its summary has them. */
function rateFields({ requests, generation, prompt }: Rates, isDone: boolean): Field[] {
  const rate = isDone ? requests.overall : (requests.recent ?? requests.overall);
  return [
    { name: 'rate', text: rate === null ? '' : `${formatRate(rate)} req/s` },
    { name: 'generation', text: tokenRateText(generation, isDone, 'tok/s') },
    { name: 'prompt', text: tokenRateText(prompt, isDone, 'prompt tok/s') },
  ];
}

/** Percent of the requests that are done, rounded down, so that 100 % is shown only when nothing is left. */
const percentOf = (done: number, total: number): number => (total === 0 ? 100 : Math.floor((done / total) * 100));

function countText({ total, done }: RunProgress): string {
  if (total !== null) return `${short(done)}/${short(total)}`;
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
function tokenRateText({ recent, overall, basis }: TokenRate, isDone: boolean, unit: string): string {
  const rate = isDone ? overall : (recent ?? overall);
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
  const far = oldest.tokens === null ? age : `${age}, ${formatCounted(oldest.tokens, 'token')}`;
  const text =
    inFlight === 1 ? `1 in flight for ${far}` : `${formatInteger(inFlight)} in flight, the oldest for ${far}`;
  return { name: 'flight', text, short: `oldest ${far}` };
}

/** The workers, only where some of them may not send now or where the run finds their number itself. */
function workersText({ progress, servers }: Snapshot): string {
  const { current, atStart, max } = progress.workers;
  if (progress.isPaused === true) return 'paused';
  // Of several servers, each says it beside its name.
  if (progress.givingWay !== undefined && servers === null) return 'gives way to others';
  if (current > 0 && max > atStart) return isSlow(progress) ? '' : `${current} in flight`;
  if (current === atStart) return '';
  return current === 0 ? 'paused: VRAM' : `${current} of ${atStart} workers`;
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

function etaFields({ eta }: Snapshot['times']): Field[] {
  if (eta === null) return [];
  const [low, high] = [formatSeconds(eta.low), formatSeconds(eta.high)];
  return [
    { name: 'eta', text: `ETA ${formatSeconds(eta.seconds)}` },
    { name: 'range', text: low === high ? '' : `(${low} to ${high})` },
  ];
}

function memoryText({ gpus }: MachineState): string {
  const { usedBytes, totalBytes } = gpuMemory(gpus ?? []);
  if (usedBytes === null || totalBytes === null) return '';
  return `VRAM ${gibibytes(usedBytes)}/${gibibytes(totalBytes)}G`;
}

const gibibytes = (bytes: number): string => (bytes / 1024 ** 3).toFixed(1);
