// Numbers to text. A number that was not measured is `n/a`, never 0.

export const notMeasured = 'n/a';

/** 4,362, 12.3k, 4.56M: for a line where space is scarce. */
export function formatCount(value: number | null): string {
  if (value === null) return notMeasured;
  if (value < 10_000) return formatInteger(value);
  if (value < 1_000_000) return `${(value / 1000).toFixed(value < 100_000 ? 1 : 0)}k`;
  return `${(value / 1_000_000).toFixed(value < 100_000_000 ? 2 : 0)}M`;
}

/** 170,000 */
export const formatInteger = (value: number | null): string =>
  value === null ? notMeasured : Math.round(value).toLocaleString('en-US');

/** 1 request, 1,204 requests */
export const formatCounted = (count: number, noun: string, plural = `${noun}s`): string =>
  `${formatInteger(count)} ${count === 1 ? noun : plural}`;

/** 0.42, 46.9, 1,204 */
export function formatRate(value: number | null): string {
  if (value === null) return notMeasured;
  if (value < 10) return value.toFixed(2);
  return value < 1000 ? value.toFixed(1) : formatInteger(value);
}

/** 0.42, 46.9, 812, 12.3k: tokens per second, for a line where space is scarce. */
export const formatTokenRate = (value: number): string => (value < 100 ? formatRate(value) : formatCount(value));

export const formatPercent = (share: number | null): string =>
  share === null ? notMeasured : `${(share * 100).toFixed(1)}%`;

const gibibyte = 1024 ** 3;

export function formatBytes(value: number | null): string {
  if (value === null) return notMeasured;
  if (value >= gibibyte) return `${(value / gibibyte).toFixed(1)} GiB`;
  if (value >= 1024 ** 2) return `${(value / 1024 ** 2).toFixed(1)} MiB`;
  return value >= 1024 ? `${(value / 1024).toFixed(1)} KiB` : `${value} B`;
}

const pad = (value: number): string => String(Math.floor(value)).padStart(2, '0');

/** 850 ms, 12.3 s, 4m 05s, 3h 02m, 1d 11h */
export function formatDuration(valueMs: number | null): string {
  if (valueMs === null) return notMeasured;
  if (valueMs < 1000) return `${Math.round(valueMs)} ms`;
  const seconds = valueMs / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${pad(whole % 60)}s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)}h ${pad((whole % 3600) / 60)}m`;
  return `${Math.floor(whole / 86_400)}d ${pad((whole % 86_400) / 3600)}h`;
}

/** Whole seconds, rounded up, for limits and estimates: 30 s, 4m 05s. */
export function formatSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : formatDuration(whole * 1000);
}

/** A time in ISO 8601 as the user's clock shows it: 2026-11-30 08:15:00. */
export const formatLocalTime = (time: string): string => new Date(time).toLocaleString('sv-SE');

/** A word of a shell command line, quoted where a shell would read it otherwise. */
export function quoteForShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** A value as JSON, cut to 60 characters. */
export function shorten(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
