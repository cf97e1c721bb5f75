import { formatCount, formatDuration, formatInteger, formatPercent, formatRate } from '../text/format.ts';
import { gpuMemory } from '../core/measurements.ts';
import type { Snapshot } from '../core/snapshot.ts';

export interface Field {
  name: 'percent' | 'count' | 'rate' | 'tokens' | 'workers' | 'load' | 'eta' | 'range' | 'errors' | 'memory';
  text: string;
}

/** What a line of progress tells, in the order of reading. What does not apply to this run is left out. */
export function progressFields(snapshot: Snapshot): Field[] {
  const { total, done, failed, recentRate, recentTokenRate } = snapshot;
  const fields: Field[] = [
    { name: 'percent', text: total === null ? '' : `${percentOf(done, total)}%`.padStart(4) },
    { name: 'count', text: total === null ? `${formatInteger(done)} done` : `${short(done)}/${short(total)}` },
    { name: 'rate', text: `${formatRate(recentRate ?? snapshot.overallRate)} req/s` },
    { name: 'tokens', text: `${formatCount(recentTokenRate ?? snapshot.overallTokenRate)} tok/s` },
    { name: 'workers', text: workersText(snapshot) },
    { name: 'load', text: loadText(snapshot) },
    ...etaFields(snapshot),
    { name: 'errors', text: failed === 0 ? '' : `${short(failed)} failed` },
    { name: 'memory', text: memoryText(snapshot) },
  ];
  return fields.filter((field) => field.text !== '');
}

/** Done is shown as 100 % only when nothing is left. */
const percentOf = (done: number, total: number): number => (total === 0 ? 100 : Math.floor((done / total) * 100));

/** Whole numbers up to six digits: beside a total, 12.3k of 12.3k would say too little. */
const short = (value: number): string => (value < 1_000_000 ? String(value) : formatCount(value));

/** Only where some of them were taken out of work, or their number is found in the run. */
function workersText({ workers, workersAtStart, mostWorkers }: Snapshot): string {
  if (workers > 0 && mostWorkers > workersAtStart) return `${workers} in flight`;
  if (workers === workersAtStart) return '';
  return workers === 0 ? 'paused: VRAM' : `${workers} of ${workersAtStart} workers`;
}

/** Of an engine that tells: what it works on, what waits for it, and how full its KV cache is. */
function loadText({ engineLoad: load }: Snapshot): string {
  if (load === null) return '';
  return `${load.running} running, ${load.waiting} waiting, KV ${formatPercent(load.kvUsage)}`;
}

function etaFields({ total, done, eta }: Snapshot): Field[] {
  if (total === null || done >= total) return [];
  if (eta === null) return [{ name: 'eta', text: 'ETA n/a' }];
  const [low, high] = [clock(eta.low), clock(eta.high)];
  return [
    { name: 'eta', text: `ETA ${clock(eta.seconds)}` },
    { name: 'range', text: low === high ? '' : `(${low} to ${high})` },
  ];
}

/** Seconds without a fraction: an estimate has none. */
const clock = (seconds: number): string =>
  seconds < 60 ? `${Math.ceil(seconds)} s` : formatDuration(Math.round(seconds) * 1000);

function memoryText({ gpus }: Snapshot): string {
  const { usedBytes, totalBytes } = gpuMemory(gpus ?? []);
  if (usedBytes === null || totalBytes === null) return '';
  return `VRAM ${gibibytes(usedBytes)}/${gibibytes(totalBytes)}G`;
}

const gibibytes = (bytes: number): string => (bytes / 1024 ** 3).toFixed(1);
