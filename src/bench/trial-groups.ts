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

/** Requests in flight, of a trial that was told them or that found them. */
export const workersOf = ({ workers, spec }: TrialRecord): number | null => workers ?? spec.workers;

/** `5,000 requests, independent, num_ctx=4096` */
export function titleOf({ size, strategy, options }: TrialSpec): string {
  const pairs = Object.entries(options).map(([key, value]) => `${key}=${value}`);
  return [`${size.toLocaleString('en-US')} requests`, strategy, ...pairs].join(', ');
}
