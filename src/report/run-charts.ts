import { type ErrorKind, groupOf } from '../core/errors.ts';
import {
  formatBytes,
  formatCounted,
  formatDuration,
  formatInteger,
  formatPercent,
  formatRate,
} from '../text/format.ts';
import { gpuMemory } from '../core/measurements.ts';
import type { Bar, Chart } from './charts/chart.ts';
import type { Bin } from './charts/histogram.ts';
import type { ReportData } from './report-data.ts';

const gibibyte = 1024 ** 3;

/** The charts of a run. Those without data are left out. */
export function runCharts(data: ReportData): Chart[] {
  return [rateChart(data), latencyChart(data), ...tokenCharts(data), errorChart(data), gpuChart(data)].filter(
    (chart) => chart !== null,
  );
}

function rateChart({ rateOverTime, requestRate }: ReportData): Chart | null {
  if (rateOverTime === null || rateOverTime.rates.length < 2) return null;
  const { rates, bucketSeconds, startedAt } = rateOverTime;
  const [unit, seconds] = rates.length * bucketSeconds > 300 ? (['minutes', 60] as const) : (['seconds', 1] as const);
  // Requests fill only a part of the first and of the last bucket, which would look like a slow start and a collapse.
  const isCut = rates.length > 4;
  const points = rates.map((rate, at) => ({ x: ((at + 0.5) * bucketSeconds) / seconds, y: rate }));
  return {
    kind: 'lines',
    title: 'Throughput over time',
    x: { title: `${unit} from ${startedAt.replace(/\.\d+Z$/, 'Z')}`, scale: 'linear' },
    y: { title: 'requests per second' },
    series: [{ name: 'rate', points: isCut ? points.slice(1, -1) : points }],
    ...(requestRate === null
      ? {}
      : { horizontals: [{ at: requestRate, name: `whole run ${formatRate(requestRate)} req/s` }] }),
    caption: `Each point is the rate of ${formatDuration(bucketSeconds * 1000)}${isCut ? ', without the first and the last' : ''}. Peak: ${formatRate(Math.max(...rates))} req/s.`,
  };
}

function latencyChart({ histograms, latencyMs, failed }: ReportData): Chart | null {
  if (latencyMs === null) return null;
  const { p50, p95, p99, max } = latencyMs;
  return {
    kind: 'histogram',
    title: failed === 0 ? 'Latency' : 'Latency of the requests that succeeded',
    x: { title: 'milliseconds, logarithmic', scale: 'log' },
    y: { title: 'requests' },
    bins: histograms.latencyMs,
    caption: `p50 ${formatDuration(p50)}, p95 ${formatDuration(p95)}, p99 ${formatDuration(p99)}, slowest ${formatDuration(max)}.`,
  };
}

function tokenCharts({ histograms, tokens, succeeded }: ReportData): (Chart | null)[] {
  const { promptTokens, completionTokens } = histograms;
  return [
    tokenChart('Prompt tokens', promptTokens, meanOf(tokens.answered.prompt, succeeded)),
    tokenChart('Completion tokens', completionTokens, meanOf(tokens.answered.completion, succeeded)),
  ];
}

const meanOf = (sum: number | null, count: number): number | null => (sum === null || count === 0 ? null : sum / count);

/** Sentences in place of histograms that would have one bar: all requests have the same number of tokens. */
export function oneValueNotes({ histograms }: ReportData): string[] {
  const { promptTokens, completionTokens } = histograms;
  return [...oneValueNote('prompts', promptTokens), ...oneValueNote('answers', completionTokens)];
}

const oneValueNote = (name: string, bins: Bin[]): string[] =>
  isOneValue(bins) ? [`All ${name} have ${formatCounted(bins[0]?.from ?? 0, 'token')}.`] : [];

const isOneValue = ([first, ...others]: Bin[]): boolean =>
  first !== undefined && others.length === 0 && first.to - first.from === 1;

function tokenChart(title: string, bins: Bin[], mean: number | null): Chart | null {
  const [first, last] = [bins[0], bins.at(-1)];
  if (first === undefined || last === undefined || isOneValue(bins)) return null;
  return {
    kind: 'histogram',
    title,
    x: { title: 'tokens per request', scale: 'linear' },
    y: { title: 'requests' },
    bins,
    caption: `${formatInteger(first.from)} to ${formatInteger(last.to - 1)} tokens, mean ${formatInteger(mean)}.`,
  };
}

function errorChart({ errors, done, failed }: ReportData): Chart | null {
  const kinds = Object.entries(errors.byKind) as [ErrorKind, number][];
  if (kinds.length === 0) return null;
  return {
    kind: 'bars',
    title: 'Errors by kind',
    x: { title: 'requests' },
    bars: kinds.map(([kind, count]) => ({
      name: ['other', kind].includes(groupOf(kind)) ? kind : `${kind} (${groupOf(kind)})`,
      value: count,
      text: `${formatInteger(count)} (${formatPercent(count / done)})`,
    })),
    caption: `${formatInteger(failed)} of ${formatInteger(done)} requests failed.`,
  };
}

function gpuChart({ run }: ReportData): Chart | null {
  const { gpuPeakBytes = null, gpus = null, modelMemory = null } = run.snapshot?.machine ?? {};
  const { totalBytes } = gpuMemory(gpus ?? []);
  if (gpuPeakBytes === null || totalBytes === null) return null;
  return {
    kind: 'bars',
    title: 'GPU memory',
    x: { title: 'GiB' },
    bars: [
      ...(modelMemory === null ? [] : [memoryBar('the model', modelMemory.vramBytes)]),
      memoryBar('maximum in use', gpuPeakBytes),
      { ...memoryBar('total', totalBytes), isSetOff: true },
    ],
    caption: `At most ${formatPercent(gpuPeakBytes / totalBytes)} was in use.`,
  };
}

const memoryBar = (name: string, bytes: number): Bar => ({ name, value: bytes / gibibyte, text: formatBytes(bytes) });
