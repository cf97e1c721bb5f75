import { type ErrorKind, groupOf } from '../core/errors.ts';
import {
  formatDuration,
  formatInteger,
  formatLocalTime,
  formatPercent,
  formatRate,
  notMeasured,
} from '../text/format.ts';
import type { Distribution } from '../data/distribution.ts';
import { answerSection } from './answer-section.ts';
import { failureRows } from './failures/failure-rows.ts';
import { engineRows, failedRows, minimumText, promptWords } from './shared-rows.ts';
import type { ReportData } from './report-data.ts';
import { serverHeader, serverTable } from './servers/server-rows.ts';

/** A part of a report as text: a table, or rows of a label and a value where `header` is null. */
export interface Section {
  title: string;
  header: string[] | null;
  rows: string[][];
  /** The values are sentences, which a terminal shows on lines of their own length. */
  isProse?: boolean;
  /** The rows of a table as a label and a sentence, for a terminal that has no room for the table. */
  prose?: string[][];
}

/**
 * The parts of a report that people read, in order: `first` what a reader looks for, which is what failed, what to do and some
 * answers, then the others. Parts without rows are left out.
 */
export function sectionsOf(data: ReportData): Record<'first' | 'others', Section[]> {
  const first: Section[] = [
    { title: 'Failures', header: null, rows: failureTable(data), isProse: true },
    { title: 'Try again', header: null, rows: data.retry.map(({ reason, command }) => [reason, command]) },
    answerSection(data),
  ];
  const others: Section[] = [
    { title: 'Run', header: null, rows: runRows(data) },
    { title: 'Requests', header: null, rows: requestRows(data) },
    { title: 'Tokens', header: null, rows: tokenRows(data) },
    {
      title: data.failed === 0 ? 'Times' : 'Times (of the requests that succeeded)',
      header: ['', 'mean', 'p50', 'p95', 'p99', 'max'],
      rows: timeRows(data),
    },
    { title: serverTitle(data), header: serverHeader, rows: serverTable(data.servers) },
    { title: 'Engine', header: null, rows: engineRows(data.run.snapshot) },
    { title: 'Errors', header: ['kind', 'group', 'requests', 'share'], rows: errorRows(data) },
    { title: 'Attempts', header: ['attempts', 'requests'], rows: attemptRows(data) },
    { title: 'Schema failures', header: null, rows: schemaRows(data), isProse: true },
    { title: 'Slowest', header: ['id', 'line', 'latency', 'prompt', 'completion', 'outcome'], rows: slowRows(data) },
  ];
  return { first: first.filter(hasRows), others: others.filter(hasRows) };
}

const hasRows = ({ rows }: Section): boolean => rows.length > 0;

/** Says what is counted where that is not plain: what no result tells is known of the last session alone. */
const serverTitle = ({ run }: ReportData): string =>
  (run.sessions ?? 1) > 1
    ? 'Servers (failed attempts, away and idle: only of the last session)'
    : 'Servers (failed: number of attempts)';

function runRows({ run, elapsedSeconds }: ReportData): string[][] {
  return [
    ['output', run.outputPath],
    ['input', run.inputPath ?? notMeasured],
    ['state', run.state],
    ['backend', backendText(run)],
    ['model', run.model ?? notMeasured],
    ['mode', run.mode ?? notMeasured],
    ['started', timeOf(run.startedAt)],
    ['ended', timeOf(run.endedAt)],
    ['time worked', formatDuration(elapsedSeconds === null ? null : elapsedSeconds * 1000)],
    ...(run.pausedSeconds < 1 ? [] : [['paused', formatDuration(run.pausedSeconds * 1000)]]),
  ];
}

const timeOf = (time: string | null): string => (time === null ? notMeasured : formatLocalTime(time));

/** A version such as `ollama 0.34.0` names its backend itself. */
function backendText({ backend, backendVersion: version }: ReportData['run']): string {
  return version?.startsWith(`${backend} `) === true ? version : [backend, version].filter(Boolean).join(' ');
}

function requestRows(data: ReportData): string[][] {
  const { done, succeeded, failed, run, schema } = data;
  const total =
    run.total === null ? '' : ` of ${formatInteger(run.total)} (${formatPercent(shareOf(done, run.total))})`;
  return [
    ['done', `${formatInteger(done)}${total}`],
    ['succeeded', formatInteger(succeeded)],
    ['failed', `${formatInteger(failed)} (${formatPercent(shareOf(failed, done))})`],
    ...(data.reused === undefined ? [] : [['reused', `${formatInteger(data.reused)} (not sent: answered before)`]]),
    ['sent again', run.snapshot === null ? notMeasured : formatInteger(run.snapshot.progress.retries)],
    ['rate', `${formatRate(data.requestRate)} req/s`],
    ['generation', `${formatRate(data.generationRate)} tok/s`],
    ['prompt', `${formatRate(data.promptRate)} tok/s ${promptWords(data.tokens.cached === null)}`],
    ...(schema === null
      ? []
      : [['schema', `${formatInteger(schema.passed)} passed, ${formatInteger(schema.failed)} failed`]]),
  ];
}

const shareOf = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);

function tokenRows({ tokens, tokensSaved }: ReportData): string[][] {
  return [
    ['prompt', minimumText(tokens, formatInteger(tokens.prompt))],
    ['completion', minimumText(tokens, formatInteger(tokens.completion))],
    ...failedRows(tokens),
    ['cached', `${formatInteger(tokens.cached)} (hit rate ${formatPercent(tokens.cacheHitRate)})`],
    ['saved', tokensSaved === null ? notMeasured : `${formatInteger(tokensSaved)} prompt tokens not computed again`],
  ];
}

function timeRows(data: ReportData): string[][] {
  return [
    ['latency', ...timeCells(data.latencyMs)],
    ['first token', ...timeCells(data.ttftMs)],
    ['queue', ...timeCells(data.queueMs)],
  ];
}

function timeCells(times: Distribution | null): string[] {
  if (times === null) return Array<string>(5).fill(notMeasured);
  return [times.mean, times.p50, times.p95, times.p99, times.max].map(formatDuration);
}

function errorRows({ errors, done }: ReportData): string[][] {
  return (Object.entries(errors.byKind) as [ErrorKind, number][]).map(([kind, count]) => [
    kind,
    groupOf(kind),
    formatInteger(count),
    formatPercent(shareOf(count, done)),
  ]);
}

/** Messages and ids of the failures; no rows where none has them. */
const failureTable = ({ errors }: ReportData): string[][] => (errors.failures.length === 0 ? [] : failureRows(errors));

/** How many requests took how many attempts; no rows where none took more than one. */
function attemptRows({ attempts }: ReportData): string[][] {
  if (attempts.every((row) => row.attempts <= 1)) return [];
  return attempts.map((row) => [String(row.attempts), formatInteger(row.requests)]);
}

const schemaRows = ({ schema }: ReportData): string[][] =>
  (schema?.failures ?? []).map(({ id, line, message }) => [placeOf(id, line), message]);

const placeOf = (id: string, line: number | null): string => (line === null ? id : `${id} (line ${line})`);

function slowRows({ slowest }: ReportData): string[][] {
  return slowest.map((row) => [
    row.id,
    String(row.line ?? notMeasured),
    formatDuration(row.latencyMs),
    formatInteger(row.promptTokens),
    formatInteger(row.completionTokens),
    row.error ?? 'succeeded',
  ]);
}
