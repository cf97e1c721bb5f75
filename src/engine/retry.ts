import type { Failure } from '../core/completion.ts';
import { isTransient } from '../core/errors.ts';

export interface RetryPolicy {
  /** Tries after the first one. */
  retries: number;
  /** Kinds that are retried though they are not transient. */
  retryOn: readonly string[];
  /** 0 <= x < 1 */
  random?: () => number;
}

const baseMs = 500;
const mostMs = 30_000;
/** A server that asks for more than this is asked again all the same. */
const mostRetryAfterMs = 600_000;

/** How often a request was sent, and how many of these attempts don't count: the engine was to blame. */
export interface Tries {
  attempts: number;
  forgiven: number;
}

/**
 * How long to wait before the next attempt, or null when there is none. Full jitter (0 to the doubled bound), so that
 * requests which failed together don't come back together; never sooner than the server asked.
 */
export function retryDelay(
  failure: Failure,
  { attempts, forgiven }: Tries,
  { retries, retryOn, random = Math.random }: RetryPolicy,
): number | null {
  const mayRetry = isTransient(failure.kind) || retryOn.includes(failure.kind);
  if (!mayRetry || attempts - forgiven > retries) return null;
  const asked = Math.min(failure.retryAfterMs ?? 0, mostRetryAfterMs);
  // A server that says how long has no need of our doubling.
  const bound = asked > 0 ? baseMs : Math.min(mostMs, baseMs * 2 ** (attempts - 1));
  return Math.max(random() * bound, asked);
}
