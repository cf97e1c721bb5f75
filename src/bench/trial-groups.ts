import type { TrialRecord, TrialSpec } from './records.ts';

type Field = keyof TrialSpec;

/** Groups trials that have these fields of their specification in common, in the order of their first trial. */
export function groupTrials<Trial extends { record: TrialRecord }>(
  trials: readonly Trial[],
  fields: readonly Field[],
): Trial[][] {
  const groups = new Map<string, Trial[]>();
  for (const trial of trials) {
    const key = JSON.stringify(fields.map((field) => sorted(trial.record.spec[field])));
    groups.set(key, [...(groups.get(key) ?? []), trial]);
  }
  return [...groups.values()];
}

/** Options are the same in any order. */
const sorted = (value: TrialSpec[Field]): unknown =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1))
    : value;

/** What a worker curve has in common. */
export const curveFields = ['backend', 'model', 'size', 'strategy', 'options'] as const;

/** By curves: those of one engine together, in the order of the first trials, those of the fewest requests first. */
export const groupCurves = <Trial extends { record: TrialRecord }>(trials: readonly Trial[]): Trial[][] =>
  groupTrials(trials, ['backend', 'model']).flatMap((own) =>
    groupTrials(own, curveFields).toSorted(
      ([left], [right]) => (left?.record.spec.size ?? 0) - (right?.record.spec.size ?? 0),
    ),
  );

type Sized = Pick<TrialSpec, 'backend' | 'model' | 'strategy' | 'options' | 'size'>;

/** Of what differs in its size alone, the largest: it says most of a long run. */
export function ofLargestSize<Item>(items: readonly Item[], specOf: (item: Item) => Sized): Item[] {
  const keyOf = (item: Item): string => {
    const { backend, model, strategy, options } = specOf(item);
    return JSON.stringify([backend, model, strategy, sorted(options)]);
  };
  const largest = new Map<string, number>();
  for (const item of items) largest.set(keyOf(item), Math.max(largest.get(keyOf(item)) ?? 0, specOf(item).size));
  return items.filter((item) => specOf(item).size === largest.get(keyOf(item)));
}

/** Requests in flight, of a trial that was told them or that found them. */
export const workersOf = ({ workers, spec }: TrialRecord): number | null => workers ?? spec.workers;

/** `5,000 requests, independent, num_ctx=4096` */
export function titleOf({ size, strategy, options }: Pick<TrialSpec, 'size' | 'strategy' | 'options'>): string {
  const pairs = Object.entries(options).map(([key, value]) => `${key}=${value}`);
  return [`${size.toLocaleString('en-US')} requests`, strategy, ...pairs].join(', ');
}
