import { formatCount, formatDuration, formatInteger, formatPercent, formatRate } from '../text/format.ts';
import { gpuMemory } from '../core/measurements.ts';
import type { MachineState, Snapshot, WorkerCounts } from '../core/snapshot.ts';

/** One number of a line of progress, as text. */
export interface Field {
  name: 'percent' | 'count' | 'rate' | 'tokens' | 'workers' | 'load' | 'eta' | 'range' | 'errors' | 'memory';
  text: string;
}

/** The fields of a line of progress, in the order of reading. Those that do not apply to this run are left out. */
export function progressFields({ progress, rates, times, machine }: Snapshot): Field[] {
  const { total, done, failed } = progress;
  const fields: Field[] = [
    { name: 'percent', text: total === null ? '' : `${percentOf(done, total)}%`.padStart(4) },
    { name: 'count', text: total === null ? `${formatInteger(done)} done` : `${short(done)}/${short(total)}` },
    { name: 'rate', text: `${formatRate(rates.requests.recent ?? rates.requests.overall)} req/s` },
    { name: 'tokens', text: `${formatCount(rates.tokens.recent ?? rates.tokens.overall)} tok/s` },
    { name: 'workers', text: workersText(progress.workers) },
    { name: 'load', text: loadText(machine) },
    ...(total === null || done >= total ? [] : etaFields(times)),
    { name: 'errors', text: failed === 0 ? '' : `${short(failed)} failed` },
    { name: 'memory', text: memoryText(machine) },
  ];
  return fields.filter((field) => field.text !== '');
}

/** Percent of the requests that are done, rounded down, so that 100 % is shown only when nothing is left. */
const percentOf = (done: number, total: number): number => (total === 0 ? 100 : Math.floor((done / total) * 100));

/** A count in full up to six digits: `12.3k/12.3k` would not tell how many are left. */
const short = (value: number): string => (value < 1_000_000 ? String(value) : formatCount(value));

/** The workers, only where some of them may not send now or where the run finds their number itself. */
function workersText({ current, atStart, max }: WorkerCounts): string {
  if (current > 0 && max > atStart) return `${current} in flight`;
  if (current === atStart) return '';
  return current === 0 ? 'paused: VRAM' : `${current} of ${atStart} workers`;
}

/** Requests that the engine works on, requests that wait for it, and how full its KV cache is, where the engine reports them. */
function loadText({ engineLoad: load }: MachineState): string {
  if (load === null) return '';
  return `${load.running} running, ${load.waiting} waiting, KV ${formatPercent(load.kvUsage)}`;
}

function etaFields({ eta }: Snapshot['times']): Field[] {
  if (eta === null) return [{ name: 'eta', text: 'ETA n/a' }];
  const [low, high] = [clock(eta.low), clock(eta.high)];
  return [
    { name: 'eta', text: `ETA ${clock(eta.seconds)}` },
    { name: 'range', text: low === high ? '' : `(${low} to ${high})` },
  ];
}

/** A time in whole seconds: an estimate has no fractions. */
const clock = (seconds: number): string =>
  seconds < 60 ? `${Math.ceil(seconds)} s` : formatDuration(Math.round(seconds) * 1000);

function memoryText({ gpus }: MachineState): string {
  const { usedBytes, totalBytes } = gpuMemory(gpus ?? []);
  if (usedBytes === null || totalBytes === null) return '';
  return `VRAM ${gibibytes(usedBytes)}/${gibibytes(totalBytes)}G`;
}

const gibibytes = (bytes: number): string => (bytes / 1024 ** 3).toFixed(1);
