/** A mean that grows; what is not measured has no part in it. */
export interface Mean {
  sum: number;
  count: number;
}

export const createMean = (): Mean => ({ sum: 0, count: 0 });

export function addTo(mean: Mean, value: number | null | undefined): void {
  if (value === null || value === undefined) return;
  mean.sum += value;
  mean.count++;
}

export const mergeMeans = (left: Mean, right: Mean): Mean => ({
  sum: left.sum + right.sum,
  count: left.count + right.count,
});

export const readMean = ({ sum, count }: Mean): number | null => (count === 0 ? null : sum / count);

/** Of those that were measured; null where none was. */
export function meanOf(values: readonly (number | null | undefined)[]): number | null {
  const mean = createMean();
  for (const value of values) addTo(mean, value);
  return readMean(mean);
}

/** Of numbers, of which there is one at least. */
export const average = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** One for each name. */
export const meansBy = <Name extends string>(names: readonly Name[], make: (name: Name) => Mean): Record<Name, Mean> =>
  Object.fromEntries(names.map((name) => [name, make(name)])) as Record<Name, Mean>;
