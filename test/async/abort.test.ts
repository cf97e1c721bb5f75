import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { DeadlineError, raceAbort, withDeadline } from '../../src/async/abort.ts';
import { createDeferred } from '../../src/async/deferred.ts';

const reason = new Error('stop');

describe('raceAbort', () => {
  test('settles as the promise does', async () => {
    const { signal } = new AbortController();
    await expect(raceAbort(Promise.resolve(1), signal)).resolves.toBe(1);
    await expect(raceAbort(Promise.reject(new Error('broken')), signal)).rejects.toThrow('broken');
  });

  test('rejects with the reason of the signal while the promise is pending, and before', async () => {
    const controller = new AbortController();
    const { promise, reject } = createDeferred<never>();
    const raced = raceAbort(promise, controller.signal);
    controller.abort(reason);
    await expect(raced).rejects.toBe(reason);
    await expect(raceAbort(Promise.resolve(1), controller.signal)).rejects.toBe(reason);
    const late = createDeferred<never>();
    await expect(raceAbort(late.promise, controller.signal)).rejects.toBe(reason);
    // A rejection after the abort is handled: Vitest fails a run with an unhandled one.
    reject(new Error('late'));
    late.reject(new Error('late'));
    await new Promise(setImmediate);
  });

  test('leaves nothing behind on the signal', async () => {
    const counts = { added: 0, removed: 0 };
    const { signal } = new AbortController();
    const watched = new Proxy(signal, {
      get(target, key) {
        if (key === 'addEventListener') counts.added++;
        if (key === 'removeEventListener') counts.removed++;
        const value: unknown = Reflect.get(target, key);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    await raceAbort(Promise.resolve(), watched);
    expect(counts).toEqual({ added: 1, removed: 1 });
  });
});

describe('withDeadline', () => {
  const untilAborted = async (signal: AbortSignal): Promise<never> => {
    if (!signal.aborted) await once(signal, 'abort');
    throw new Error('aborted');
  };

  test('gives what the task gives, and throws what it throws', async () => {
    const { signal } = new AbortController();
    await expect(withDeadline(signal, 60_000, async () => 1)).resolves.toBe(1);
    await expect(withDeadline(signal, 60_000, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  });

  test('ends the task that takes too long', async () => {
    const { signal } = new AbortController();
    await expect(withDeadline(signal, 5, untilAborted)).rejects.toBeInstanceOf(DeadlineError);
  });

  test('rejects with the reason of the signal that it was given', async () => {
    const controller = new AbortController();
    const task = withDeadline(controller.signal, 60_000, untilAborted);
    controller.abort(reason);
    await expect(task).rejects.toBe(reason);
  });
});
