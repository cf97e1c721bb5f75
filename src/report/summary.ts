import {
  formatBytes,
  formatCounted,
  formatDuration,
  formatInteger,
  formatPercent,
  formatRate,
  formatSeconds,
} from '../text/format.ts';
import type {
  MachineState,
  ResultCounts,
  RunProgress,
  RunTimes,
  Snapshot,
  TokenCounts,
  WorkerCounts,
} from '../core/snapshot.ts';
import type { Rates } from '../core/snapshot/rates.ts';
import type { Distribution } from '../data/distribution.ts';
import {
  contextText,
  gpuMemoryText,
  minimumText,
  modelMemoryText,
  promptWords,
  vramGuardText,
  workersRow,
} from './shared-rows.ts';
import { exportCommand } from '../text/command-line.ts';
import { printable } from '../text/printable.ts';
import { failureTexts, wrapWords } from './failures/failure-rows.ts';
import { type RetryFacts, retrySteps } from './failures/retry-steps.ts';
import { serverLines } from './servers/server-rows.ts';

export interface SummaryOptions {
  outputPath: string;
  /** Command that goes on with the run; absent where the run is finished. */
  resumeCommand?: string;
  /** Why the run has stopped. */
  because?: string;
  /** Who or what paused the run, and how to go on. */
  paused?: string;
  /** How the run leaves the machine to others. */
  sharing?: string;
  /** Time of these numbers, where it is not now. */
  asOf?: string;
  /** What the commands that try failed requests again are made of; absent where the run is not finished. */
  retry?: RetryFacts;
  /** The command that joins the shards of a run; absent where it is no shard, or not finished. */
  mergeCommand?: string;
  /** The results went to stdout: whoever took them has the answers. */
  isOnStdout?: boolean;
  /** The run was finished before, and nothing was done. */
  isUntouched?: boolean;
  /** The run is in progress: its recent rate and its ETA are shown. */
  isRunning?: boolean;
}

/** Renders the state of a run in a few lines, for its end and for `status`. Lines without a value are left out. */
export function renderSummary(snapshot: Snapshot, options: SummaryOptions): string {
  const { progress, errors } = snapshot;
  const rows = [
    ...(options.isUntouched === true ? [] : measuredRows(snapshot, options)),
    ...errorRows(errors),
    ['output', options.outputPath],
    ['resume', options.resumeCommand ?? ''],
    ['because', options.because ?? ''],
    ['as of', options.asOf ?? ''],
    ['paused', options.paused ?? ''],
    ['sharing', options.sharing ?? ''],
    ['answers', answersText(progress, options)],
    ['merge', options.mergeCommand ?? ''],
    ...againRows(errors, options),
  ].filter(([, value]) => value !== '');
  return [headline(progress, options), ...alignPairs(rows).map((row) => `  ${row}`), ''].join('\n');
}

/** Lines of a label and a value, the values in one column. The labels are ours, and in ASCII. */
function alignPairs(rows: string[][]): string[] {
  const width = Math.max(...rows.map(([label = '']) => label.length));
  return rows.map(([label = '', value = '']) => `${label.padEnd(width)}  ${printable(value)}`);
}

const answersText = ({ succeeded }: RunProgress, { retry, isOnStdout = false, outputPath }: SummaryOptions): string =>
  retry === undefined || succeeded === 0 || isOnStdout ? '' : exportCommand(outputPath);

function measuredRows(snapshot: Snapshot, options: SummaryOptions): string[][] {
  const { progress, tokens, times, machine } = snapshot;
  return [
    ['reused', reusedText(progress)],
    ['rate', rateText(snapshot)],
    ['last minute', recentText(snapshot, options)],
    ['in flight', flightText(progress, options)],
    ['doing', options.isRunning === true ? (progress.step ?? '') : ''],
    ['gives way', givesWayText(snapshot, options)],
    ['left', leftText(snapshot, options)],
    ['tokens', tokensText(tokens)],
    ...latencyRows(times, progress),
    ...serverPairs(snapshot, options),
    ['notes', notesText(progress)],
    ['sent again', progress.retries === 0 ? '' : formatInteger(progress.retries)],
    ['context', trimsText(machine)],
    ['model memory', modelMemoryText(machine)],
    ['GPU memory', machine.gpuPeakBytes === null ? '' : gpuMemoryText(machine)],
    ['VRAM guard', vramGuardText(machine)],
    isAsGiven(progress.workers) ? ['workers', ''] : workersRow(progress.workers),
    ['engine', engineText(machine)],
    ['model', times.loadMs === null ? '' : `loaded in ${formatDuration(times.loadMs)}`],
  ];
}

function serverPairs(snapshot: Snapshot, { isRunning = false }: SummaryOptions): string[][] {
  const lines = serverLines(snapshot, { isRunning }).flatMap((text) =>
    wrapWords(text, textColumns - 2).map((line, index) => (index === 0 ? line : `  ${line}`)),
  );
  return lines.map((line, index) => [index === 0 ? 'answered by' : '', line]);
}

/** The commands that try again what failed. One that is too long for its line gets a line of its own: it is to be copied. */
function againRows(errors: Snapshot['errors'], { retry }: SummaryOptions): [label: string, text: string][] {
  if (retry === undefined) return [];
  return retrySteps(errors, retry).flatMap(({ reason, command }, index): [string, string][] => {
    const label = index === 0 ? 'again' : '';
    const text = `${reason}: ${command}`;
    return text.length <= textColumns
      ? [[label, text]]
      : [
          [label, `${reason}:`],
          ['', command],
        ];
  });
}

function headline(progress: RunProgress, { isRunning = false, isUntouched = false }: SummaryOptions): string {
  const { total, done, succeeded, failed } = progress;
  const failures = failed === 0 ? '' : ` (${formatInteger(succeeded)} succeeded, ${formatInteger(failed)} failed)`;
  if (isUntouched) return `Nothing to do: ${requestsText(done)} done before${failures}`;
  const isFinished = total !== null && done >= total;
  const word = isFinished ? 'Finished' : isRunning ? runningWord(progress) : 'Stopped';
  const count = total === null || isFinished ? requestsText(done) : `${formatInteger(done)} of ${requestsText(total)}`;
  return `${word}: ${count} done${failures}`;
}

const runningWord = ({ isPaused }: RunProgress): string => (isPaused === true ? 'Paused' : 'Running');

const requestsText = (count: number): string => formatCounted(count, 'request');

function rateText(snapshot: Snapshot): string {
  const { rates, times } = snapshot;
  if (rates.requests.overall === null) return '';
  const paused = times.pausedSeconds < 1 ? '' : ` (paused ${formatDuration(times.pausedSeconds * 1000)} of it)`;
  return `${ratesText(rates, 'overall')}, in ${formatDuration(times.elapsedSeconds * 1000)}${paused}`;
}

const reusedText = ({ reused }: RunProgress): string =>
  reused === undefined ? '' : `${requestsText(reused)} not sent: answered before`;

/** Embeddings have no tokens of an answer, and no rate of them. */
function ratesText({ requests, generation, prompt }: Rates, span: 'recent' | 'overall'): string {
  return [
    `${formatRate(requests[span])} req/s`,
    generation[span] === 0 && generation.basis === null ? '' : `${formatRate(generation[span])} tok/s`,
    prompt[span] === null ? '' : `${formatRate(prompt[span])} prompt tok/s ${promptWords(prompt.includesCached)}`,
  ]
    .filter(Boolean)
    .join(', ');
}

const isAsGiven = ({ current, atStart, max }: WorkerCounts): boolean => current === atStart && max <= atStart;

function recentText({ progress, rates }: Snapshot, { isRunning = false }: SummaryOptions): string {
  if (!isRunning || progress.isPaused === true) return '';
  return `${ratesText(rates, 'recent')}${rates.generation.basis === 'ended' ? ', counted when answers end' : ''}`;
}

function flightText({ inFlight, oldestInFlight: oldest }: RunProgress, { isRunning = false }: SummaryOptions): string {
  if (!isRunning || oldest === null) return '';
  const tokens = !oldest.tokens ? '' : `, ${formatCounted(oldest.tokens, 'token')}`;
  return `${formatInteger(inFlight)}, the oldest for ${formatDuration(oldest.ageSeconds * 1000)}${tokens}`;
}

function givesWayText({ progress: { givingWay }, servers }: Snapshot, { isRunning = false }: SummaryOptions): string {
  if (!isRunning || givingWay === undefined) return '';
  const where = servers === null ? 'the server' : `${givingWay} of ${servers.length} servers`;
  return `others use ${where}: no new requests are sent there`;
}

function leftText({ progress, times }: Snapshot, { isRunning = false }: SummaryOptions): string {
  const { total, done } = progress;
  const { eta } = times;
  if (total === null || done >= total) return '';
  const left = formatInteger(total - done);
  if (!isRunning) return left;
  if (eta === null) return `${left}, ETA n/a`;
  const [low, high] = [formatSeconds(eta.low), formatSeconds(eta.high)];
  return `${left}, ETA ${formatSeconds(eta.seconds)}${low === high ? '' : ` (${low} to ${high})`}`;
}

function tokensText(tokens: TokenCounts): string {
  if (tokens.prompt === 0 && tokens.completion === 0) return '';
  const cached = `cached ${formatPercent(tokens.cacheHitRate)}`;
  const prompt = `${formatInteger(tokens.prompt)} prompt (${cached}), `;
  const completion = `${formatInteger(tokens.completion)} completion`;
  return tokens.prompt === null
    ? `${prompt}${minimumText(tokens, completion)}`
    : minimumText(tokens, `${prompt}${completion}`);
}

/** One line, or two where that is too long for a terminal. */
function latencyRows({ latencyMs, ttftMs }: RunTimes, { failed }: RunProgress): string[][] {
  if (latencyMs === null) return [];
  const first = ttftMs === null ? [] : [`first token ${percentiles(ttftMs)}`];
  const parts = [`${percentiles(latencyMs)}${failed === 0 ? '' : ' (of successes)'}`, ...first];
  const line = parts.join('; ');
  return (line.length <= textColumns ? [line] : parts).map((text, index) => [index === 0 ? 'latency' : '', text]);
}

const percentiles = ({ p50, p95 }: Distribution): string => `p50 ${formatDuration(p50)}, p95 ${formatDuration(p95)}`;

/** Columns of a text beside the longest label of a summary (`model memory`), in a terminal of 80. */
const textColumns = 64;

/** The failures of each kind, with their message and ids. Without messages, as an earlier release counted them, on one line. */
function errorRows(errors: Snapshot['errors']): [label: string, text: string][] {
  const texts = failureTexts(errors);
  const lines =
    errors.failures.length === 0 ? [texts.join(', ')] : texts.flatMap((text) => wrapWords(text, textColumns));
  return lines.map((line, index) => [index === 0 ? 'errors' : '', line]);
}

const noteWords = {
  empty: 'empty',
  unwrapped: 'with JSON in a markdown fence or after thinking',
  unchecked: 'not checked against their grammar',
} as const;

function notesText({ notes = {} }: ResultCounts): string {
  const names = ['empty', 'unwrapped', 'unchecked'] as const;
  return names
    .flatMap((name) => (notes[name] === undefined ? [] : [`${formatInteger(notes[name])} ${noteWords[name]}`]))
    .join(', ');
}

const trimsText = ({ context }: MachineState): string =>
  context.trims === 0 ? '' : `peak ${contextText(context)}, history trimmed ${timesText(context.trims)}`;

const timesText = (count: number): string => (count === 1 ? 'once' : `${formatInteger(count)} times`);

function engineText({ engineProcess, engineRestarts }: MachineState): string {
  const memory = engineProcess === null ? '' : `memory peak ${formatBytes(engineProcess.peakMemoryBytes)}`;
  const restarts = engineRestarts === 0 ? '' : `restarted ${timesText(engineRestarts)}`;
  return [memory, restarts].filter(Boolean).join(', ');
}
