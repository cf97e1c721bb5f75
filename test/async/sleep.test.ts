import { afterEach, expect, test, vi } from 'vitest';
import { sleep } from '../../src/async/sleep.ts';

afterEach(() => void vi.useRealTimers());

test('waits for the whole time, by a clock that a test can turn', async () => {
  vi.useFakeTimers();
  const onEnd = vi.fn();
  void sleep(99.5, new AbortController().signal).then(onEnd);
  await vi.advanceTimersByTimeAsync(99);
  expect(onEnd).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(onEnd).toHaveBeenCalledOnce();
});

test('rejects with the reason of the signal, at once, and leaves no timer behind', async () => {
  vi.useFakeTimers();
  const controller = new AbortController();
  const reason = new Error('stop');
  const slept = sleep(60_000, controller.signal);
  controller.abort(reason);
  await expect(slept).rejects.toBe(reason);
  await expect(sleep(60_000, controller.signal)).rejects.toBe(reason);
  expect(vi.getTimerCount()).toBe(0);
});
