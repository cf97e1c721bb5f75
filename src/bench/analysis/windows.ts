import { addMeasured, addReported, gpuMemory, type GpuSample } from '../../core/measurements.ts';
import { createDoublingBins } from '../../data/doubling-bins.ts';
import { groupBy } from '../../data/group-by.ts';
import type { GpuWindow, MachineSample, TrialRecord, TrialResult, Window } from '../records/records.ts';
import { meanOf } from '../statistics/mean.ts';

/** 30 to 60 windows a trial, fewer of one that lasted less than 1.5 seconds. */
const limits = { maxBins: 60, minWidth: 50 };
/** Answers that a quick look at an engine would take. */
const quickLook = 20;

type Samples = Pick<TrialRecord, 'results' | 'machine' | 'windows'>;

/**
 * A trial's results and machine samples in windows of equal width, the two at the ends cut; of version 1, those it
 * kept.
 */
export function windowsOf({ results, machine, windows }: Samples): Window[] {
  if (windows !== null) return windows;
  const { firstMs, lastMs } = spanOf(results);
  const bins = createDoublingBins<number>({ ...limits, merge: (left, right) => left + right });
  for (const { endedAt } of results) bins.add(endedAt, 1);
  if (results.length > 0) bins.add(firstMs, 0);
  const { width, first, values } = bins.read() ?? { width: limits.minWidth, first: 0, values: [] };
  const indexOf = (atMs: number): number => Math.floor(atMs / width) - first;
  const ended = groupBy(results, ({ endedAt }) => indexOf(endedAt));
  const seen = groupBy(machine, ({ atMs }) => indexOf(atMs));
  return values.map((_count, at) => {
    const fromMs = Math.max(firstMs, (first + at) * width);
    const toMs = Math.min(lastMs, (first + at + 1) * width);
    return {
      atSeconds: (toMs - firstMs) / 1000,
      seconds: (toMs - fromMs) / 1000,
      ...countsOf(ended.get(at) ?? []),
      ...meansOf(seen.get(at) ?? []),
    };
  });
}

/** When the first request was sent, and when the last answer came, in epoch milliseconds. */
const spanOf = (results: readonly TrialResult[]): { firstMs: number; lastMs: number } =>
  results.reduce(
    ({ firstMs, lastMs }, { endedAt, latencyMs }) => ({
      firstMs: Math.min(firstMs, endedAt - latencyMs),
      lastMs: Math.max(lastMs, endedAt),
    }),
    { firstMs: Infinity, lastMs: -Infinity },
  );

/** How long a trial took, and how fast its first 20 answers came. */
export function timesOf(results: readonly TrialResult[]): Pick<TrialRecord, 'seconds' | 'first20Rate'> {
  const { firstMs, lastMs } = spanOf(results);
  const ends = results.filter(({ error }) => error === null).map(({ endedAt }) => endedAt);
  const quickMs = ends.toSorted((left, right) => left - right)[quickLook - 1] ?? firstMs;
  return {
    seconds: results.length === 0 ? 0 : (lastMs - firstMs) / 1000,
    first20Rate: quickMs > firstMs ? quickLook / ((quickMs - firstMs) / 1000) : null,
  };
}

/** A failure's time says something of the failure: times are those of the answers. */
function countsOf(ended: readonly TrialResult[]) {
  const answered = ended.filter(({ error }) => error === null);
  const sum = (name: 'promptTokens' | 'completionTokens' | 'answeredPromptTokens'): number | null =>
    ended.reduce<number | null>((total, result) => addMeasured(total, result[name]), 0);
  return {
    requests: ended.length,
    failures: ended.length - answered.length,
    promptTokens: sum('promptTokens'),
    completionTokens: sum('completionTokens'),
    cachedTokens: ended.reduce<number | null>((total, { cachedTokens }) => addReported(total, cachedTokens), null),
    answeredPromptTokens: sum('answeredPromptTokens'),
    latencyMs: meanOf(answered.map(({ latencyMs }) => latencyMs)),
    queueMs: meanOf(answered.map(({ queueMs }) => queueMs)),
    ttftMs: meanOf(answered.map(({ ttftMs }) => ttftMs)),
  };
}

const meansOf = (samples: readonly MachineSample[]): Pick<Window, 'gpu' | 'client' | 'engine' | 'swapBytes'> => ({
  gpu: gpuWindow(samples.map(({ gpus }) => gpus).filter((gpus) => gpus !== undefined)),
  client: meanByKey(samples.map(({ client }) => client)),
  engine: meanByKey(samples.map(({ engine }) => engine)),
  swapBytes: meanOf(samples.map(({ swapBytes }) => swapBytes)),
});

type Measures<Values> = Record<keyof Values, number | null>;

/** The mean of each measure; null where no sample has them. */
function meanByKey<Values extends Measures<Values>>(samples: (Values | undefined)[]): Values | null {
  const known = samples.filter((sample) => sample !== undefined);
  const keys = Object.keys(known[0] ?? {}) as (keyof Values)[];
  const means = keys.map((key) => [key, meanOf(known.map((sample) => sample[key]))]);
  return known.length === 0 ? null : (Object.fromEntries(means) as Values);
}

/** The mean of a window; null where no sample fell into it. */
function gpuWindow(samples: readonly GpuSample[][]): GpuWindow | null {
  const means = meanByKey(samples.map(lookAt));
  if (means === null) return null;
  const { throttled, ...window } = means;
  return { ...window, isThrottled: throttled === null ? null : throttled >= 0.5 };
}

type Look = Record<Exclude<keyof GpuWindow, 'isThrottled'> | 'throttled', number | null>;

/** Sums up one look at all GPUs. */
function lookAt(gpus: readonly GpuSample[]): Look {
  const slowest = slowestOf(gpus);
  const temperatures = known(gpus.map(({ temperature }) => temperature));
  const watts = known(gpus.map(({ powerWatts }) => powerWatts));
  const throttled = known(gpus.map(({ isThrottled }) => isThrottled));
  return {
    ...gpuMemory([...gpus]),
    utilisation: meanOf(gpus.map(({ utilisation }) => utilisation)),
    temperature: temperatures.length === 0 ? null : Math.max(...temperatures),
    powerWatts: watts.length === 0 ? null : watts.reduce((sum, value) => sum + value, 0),
    clock: slowest?.clockMhz ?? null,
    maxClock: slowest?.maxClockMhz ?? null,
    throttled: throttled.length === 0 ? null : Number(throttled.some(Boolean)),
  };
}

/** The GPU whose clock is the smallest part of its maximum. */
const slowestOf = (gpus: readonly GpuSample[]): GpuSample | undefined =>
  gpus
    .filter(({ clockMhz }) => (clockMhz ?? null) !== null)
    .toSorted((left, right) => clockShare(left) - clockShare(right))[0];

const clockShare = ({ clockMhz, maxClockMhz }: GpuSample): number => (clockMhz ?? 0) / (maxClockMhz ?? 1);

const known = <Value>(values: (Value | null | undefined)[]): Value[] =>
  values.filter((value): value is Value => value !== null && value !== undefined);
