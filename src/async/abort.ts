import { createDeferred } from './deferred.ts';

/** Waits for a promise, but no longer than until the signal is aborted: then it rejects with the signal's reason. */
export async function raceAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = createDeferred<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    // Both are handled here, so that a promise which rejects after the abort is no unhandled rejection.
    return await Promise.race([aborted.promise, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** A task took longer than it may. */
export class DeadlineError extends Error {
  constructor(maxMs: number) {
    super(`there was no end within ${maxMs} ms`);
    this.name = 'DeadlineError';
  }
}

/**
 * Does a task under a signal that is aborted with the given one, or after a time in milliseconds. What the task throws after
 * that is replaced: by the signal's reason, or by a `DeadlineError`.
 */
export async function withDeadline<T>(
  signal: AbortSignal,
  maxMs: number,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = AbortSignal.timeout(maxMs);
  try {
    return await task(AbortSignal.any([signal, late]));
  } catch (error) {
    signal.throwIfAborted();
    throw late.aborted ? new DeadlineError(maxMs) : error;
  }
}
