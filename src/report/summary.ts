import { formatBytes, formatCount, formatDuration, formatInteger, formatPercent, formatRate } from '../text/format.ts';
import type { Snapshot } from '../core/snapshot.ts';
import type { Distribution } from '../data/distribution.ts';
import { contextText, gpuMemoryText, modelMemoryText, vramGuardText, workersRow } from './engine-rows.ts';
import { minimumText } from './token-rows.ts';
import { alignPairs } from './text.ts';

export interface SummaryOptions {
  outputPath: string;
  /** What goes on with a run that is not finished. */
  resumeCommand?: string;
  /** For `status`: the run goes on now. */
  isRunning?: boolean;
}

/** The state of a run in a few lines, for its end and for `status`. Lines that say nothing about this run are left out. */
export function renderSummary(snapshot: Snapshot, options: SummaryOptions): string {
  const rows = [
    ['rate', rateText(snapshot)],
    ['last minute', recentText(snapshot, options)],
    ['left', leftText(snapshot, options)],
    ['tokens', tokensText(snapshot)],
    ['latency', latencyText(snapshot)],
    ['errors', errorsText(snapshot)],
    ['answers', notesText(snapshot)],
    ['retries', snapshot.retries === 0 ? '' : formatInteger(snapshot.retries)],
    ['context', trimsText(snapshot)],
    ['model memory', modelMemoryText(snapshot)],
    ['GPU memory', snapshot.gpuPeakBytes === null ? '' : gpuMemoryText(snapshot)],
    ['VRAM guard', vramGuardText(snapshot)],
    isAsGiven(snapshot) ? ['workers', ''] : workersRow(snapshot),
    ['engine', engineText(snapshot)],
    ['model', snapshot.loadMs === null ? '' : `loaded in ${formatDuration(snapshot.loadMs)}`],
    ['output', options.outputPath],
    ['resume', options.resumeCommand ?? ''],
  ].filter(([, value]) => value !== '');
  return [headline(snapshot, options), ...alignPairs(rows).map((row) => `  ${row}`), ''].join('\n');
}

function headline({ total, done, succeeded, failed }: Snapshot, { isRunning = false }: SummaryOptions): string {
  const isFinished = total !== null && done >= total;
  const word = isFinished ? 'Finished' : isRunning ? 'Running' : 'Stopped';
  const of = total === null || isFinished ? '' : ` of ${formatInteger(total)}`;
  const failures = failed === 0 ? '' : ` (${formatInteger(succeeded)} succeeded, ${formatInteger(failed)} failed)`;
  return `${word}: ${formatInteger(done)}${of} ${done === 1 && of === '' ? 'request' : 'requests'} done${failures}`;
}

function rateText({ overallRate, overallTokenRate, elapsedSeconds }: Snapshot): string {
  if (overallRate === null) return '';
  const time = formatDuration(elapsedSeconds * 1000);
  return `${formatRate(overallRate)} req/s, ${formatRate(overallTokenRate)} tok/s, in ${time}`;
}

const isAsGiven = ({ workers, workersAtStart, mostWorkers }: Snapshot): boolean =>
  workers === workersAtStart && mostWorkers <= workersAtStart;

const recentText = ({ recentRate, recentTokenRate }: Snapshot, { isRunning = false }: SummaryOptions): string =>
  isRunning ? `${formatRate(recentRate)} req/s, ${formatRate(recentTokenRate)} tok/s` : '';

function leftText({ total, done, eta }: Snapshot, { isRunning = false }: SummaryOptions): string {
  if (total === null || done >= total) return '';
  const left = formatInteger(total - done);
  if (!isRunning) return left;
  if (eta === null) return `${left}, ETA n/a`;
  const [low, high] = [clock(eta.low), clock(eta.high)];
  return `${left}, ETA ${clock(eta.seconds)}${low === high ? '' : ` (${low} to ${high})`}`;
}

/** An estimate has no fractions of a second. */
const clock = (seconds: number): string => formatDuration(Math.ceil(seconds) * 1000);

function tokensText({ tokens }: Snapshot): string {
  if (tokens.prompt === 0 && tokens.completion === 0) return '';
  const cached = `cached ${formatPercent(tokens.cacheHitRate)}`;
  const sums = `${formatCount(tokens.prompt)} prompt (${cached}), ${formatCount(tokens.completion)} completion`;
  return minimumText(tokens, sums);
}

function latencyText({ latencyMs, ttftMs }: Snapshot): string {
  if (latencyMs === null) return '';
  return ttftMs === null ? percentiles(latencyMs) : `${percentiles(latencyMs)}; first token ${percentiles(ttftMs)}`;
}

const percentiles = ({ p50, p95 }: Distribution): string => `p50 ${formatDuration(p50)}, p95 ${formatDuration(p95)}`;

const errorsText = ({ errors }: Snapshot): string =>
  Object.entries(errors)
    .map(([kind, count]) => `${kind} ${formatInteger(count)}`)
    .join(', ');

const noteWords = {
  empty: 'empty',
  unwrapped: 'with JSON in a fence or behind thinking',
  unchecked: 'not checked against their grammar',
} as const;

function notesText({ notes = {} }: Snapshot): string {
  const names = ['empty', 'unwrapped', 'unchecked'] as const;
  return names
    .flatMap((name) => (notes[name] === undefined ? [] : [`${formatInteger(notes[name])} ${noteWords[name]}`]))
    .join(', ');
}

const trimsText = ({ context }: Snapshot): string =>
  context.trims === 0 ? '' : `peak ${contextText(context)}, history trimmed ${timesText(context.trims)}`;

const timesText = (count: number): string => (count === 1 ? 'once' : `${formatInteger(count)} times`);

function engineText({ engine, engineRestarts }: Snapshot): string {
  const memory = engine === null ? '' : `memory peak ${formatBytes(engine.peakMemoryBytes)}`;
  const restarts = engineRestarts === 0 ? '' : `restarted ${timesText(engineRestarts)}`;
  return [memory, restarts].filter(Boolean).join(', ');
}
