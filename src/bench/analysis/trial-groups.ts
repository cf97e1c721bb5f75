import { groupBy } from '../../data/group-by.ts';
import { formatInteger } from '../../text/format.ts';
import type { TrialRecord, TrialSpec } from '../records/records.ts';

type Field = keyof TrialSpec;

/** Groups trials that have these fields of their specification in common, in the order of their first trial. */
export function groupTrials<Trial extends { record: TrialRecord }>(
  trials: readonly Trial[],
  fields: readonly Field[],
): Trial[][] {
  const keyOf = ({ record: { spec } }: Trial): string => JSON.stringify(fields.map((field) => sorted(spec[field])));
  return [...groupBy(trials, keyOf).values()];
}

/** Options are the same in any order. */
const sorted = (value: TrialSpec[Field]): unknown =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1))
    : value;

/** What a worker curve has in common. */
export const curveFields = ['backend', 'model', 'size', 'strategy', 'options'] as const;

/** What the repeats of a setting, and its batches, have in common. */
export const settingFields = [...curveFields, 'workers'] as const;

/** Groups trials by curves: those of one engine together, in the order of the first trials, the smallest size first. */
export const groupCurves = <Trial extends { record: TrialRecord }>(trials: readonly Trial[]): Trial[][] =>
  groupTrials(trials, ['backend', 'model']).flatMap((own) =>
    groupTrials(own, curveFields).toSorted(
      ([left], [right]) => (left?.record.spec.size ?? 0) - (right?.record.spec.size ?? 0),
    ),
  );

/** Groups trials by settings: those of a curve together, as in `groupCurves`, the smallest number of workers first. */
export const groupSettings = <Trial extends { record: TrialRecord }>(trials: readonly Trial[]): Trial[][] =>
  groupCurves(trials).flatMap((curve) =>
    groupTrials(
      curve.toSorted((left, right) => (workersOf(left.record) ?? 0) - (workersOf(right.record) ?? 0)),
      ['workers'],
    ),
  );

type Sized = Pick<TrialSpec, 'backend' | 'model' | 'strategy' | 'options' | 'size'>;

const settingOf = ({ backend, model, strategy, options }: Sized): string =>
  JSON.stringify([backend, model, strategy, sorted(options)]);

/** Keeps the largest of what differs in its size alone: it says most of a long run. */
export function ofLargestSize<Item>(items: readonly Item[], specOf: (item: Item) => Sized): Item[] {
  const largest = new Map<string, number>();
  for (const spec of items.map(specOf))
    largest.set(settingOf(spec), Math.max(largest.get(settingOf(spec)) ?? 0, spec.size));
  return items.filter((item) => specOf(item).size === largest.get(settingOf(specOf(item))));
}

/** Puts together what differs in its size alone. */
export const groupSizes = <Item extends Sized>(items: readonly Item[]): Item[][] => [
  ...groupBy(items, settingOf).values(),
];

/** Requests in flight, of a trial that was told them or that found them. */
export const workersOf = ({ workers, spec }: TrialRecord): number | null => spec.workers ?? workers;

type Titled = Pick<TrialSpec, 'strategy' | 'options'> & { size: number | null };

/** `5,000 requests, independent, num_ctx=4096` */
export function titleOf({ size, strategy, options }: Titled): string {
  const pairs = Object.entries(options).map(([key, value]) => `${key}=${value}`);
  return [...(size === null ? [] : [`${formatInteger(size)} requests`]), strategy, ...pairs].join(', ');
}

/** `llama-cpp tiny-scorer, 4 workers, 1,000 requests, num_ctx=4096` */
export function describeSpec({ backend, model, workers, size, strategy, options, batch }: TrialSpec): string {
  return [
    `${backend} ${model}`,
    ...(strategy === 'independent' ? [] : [strategy]),
    workersText(workers),
    `${formatInteger(size)} requests`,
    ...Object.entries(options).map(([key, value]) => `${key}=${value}`),
    ...(batch === null ? [] : [`batch ${batch}`]),
  ].join(', ');
}

export const workersText = (workers: number | null): string =>
  `${workers ?? 'auto'} ${workers === 1 ? 'worker' : 'workers'}`;
