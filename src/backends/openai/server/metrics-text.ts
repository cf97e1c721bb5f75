/** Values of a metric in Prometheus's text: `name{engine="0"} 3.0`, one line for each engine behind the server. */
export function valuesOf(text: string, name: string): number[] {
  const lines = text.matchAll(new RegExp(String.raw`^${name}(?:\{.*\})?[ \t]+(\S+)`, 'gm'));
  return [...lines].map(([, value]) => Number(value)).filter((value) => Number.isFinite(value) && value >= 0);
}

/** Their sum; null where there are none. */
export const sumOf = (values: number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0);
