import type { IncomingHttpHeaders } from 'node:http';
import { headerText } from '../../http/json-text.ts';
import { readRetryAfter } from '../../http/retry-after.ts';

/** Facts about the server's rate limit in a response; empty where it tells nothing. */
export interface RateLimit {
  /** Milliseconds that the server asks to wait, told with a refusal. */
  retryAfterMs?: number;
  /** Nothing is left: nothing is to be sent for so long. */
  pauseMs?: number;
}

export function readRateLimit(status: number, headers: IncomingHttpHeaders, now = Date.now()): RateLimit {
  const asked = millisecondsIn(headers['retry-after-ms']) ?? readRetryAfter(headers['retry-after']);
  const usedUp = Math.max(0, ...buckets.map((bucket) => untilReset(headers, bucket, now)));
  const pauseMs = status === 429 ? (asked ?? usedUp) : usedUp;
  return { ...(asked === null ? {} : { retryAfterMs: asked }), ...(pauseMs > 0 ? { pauseMs } : {}) };
}

/**
 * `x-ratelimit-remaining-requests` and `x-ratelimit-reset-requests`; some servers count in one bucket without a name.
 */
const buckets = ['-requests', '-tokens', ''];

function untilReset(headers: IncomingHttpHeaders, bucket: string, now: number): number {
  const remaining = headerText(headers[`x-ratelimit-remaining${bucket}`]);
  if (remaining.trim() === '' || Number(remaining) !== 0) return 0;
  return readReset(headerText(headers[`x-ratelimit-reset${bucket}`]), now) ?? 0;
}

const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Larger numbers are no waits but times, as seconds or milliseconds since 1970. */
const firstEpochSeconds = 1e9;
const firstEpochMs = 1e12;

/** Milliseconds until a limit is reset: `1s`, `6m0s`, `20ms`, seconds, an epoch, a date. Null for anything else. */
export function readReset(header: string, now: number): number | null {
  const text = header.trim();
  if (/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) {
    const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
    return parts.reduce((sum, [, number, unit = '']) => sum + Number(number) * (unitMs[unit] ?? 0), 0);
  }
  const number = text === '' ? Number.NaN : Number(text);
  const time = Number.isNaN(number) ? Date.parse(text) : epochMs(number);
  if (Number.isFinite(time)) return Math.max(0, time - now);
  return Number.isFinite(number) ? Math.max(0, number * 1000) : null;
}

function epochMs(number: number): number {
  if (number >= firstEpochMs) return number;
  return number >= firstEpochSeconds ? number * 1000 : Number.NaN;
}

function millisecondsIn(header: string | string[] | undefined): number | null {
  const number = typeof header === 'string' && header.trim() !== '' ? Number(header) : Number.NaN;
  return Number.isFinite(number) ? Math.max(0, number) : null;
}
