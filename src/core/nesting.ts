/**
 * JSON.stringify, Python's JSON (1,000 levels, ours around it included), templates and schemas recurse: what is deeper would
 * end the run, or an engine, instead of one request. Nothing that means something comes near it, neither a request nor an
 * answer.
 */
export const deepestNesting = 200;

/** Has a value of JSON more levels of lists and objects than so many? */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeperThan(inner, levels - 1));
}
