import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Window } from '../../src/bench/records/records.ts';
import { watchClient } from '../../src/machine/own-use.ts';
import { parseSwap, watchSwap } from '../../src/machine/swap.ts';
import { waitFor } from '../helpers/wait.ts';

function keepBusyFor(durationMs: number): void {
  const endsAt = performance.now() + durationMs;
  while (performance.now() < endsAt);
}

test('a busy event loop is told from an idle one, and nothing is told after the signal', async () => {
  const stop = new AbortController();
  const samples: NonNullable<Window['client']>[] = [];
  const onSample = (sample: NonNullable<Window['client']>): void => {
    // All of the next stretch is busy, to its end.
    if (samples.push(sample) === 1) keepBusyFor(300);
  };
  watchClient(onSample, { signal: stop.signal, intervalMs: 100 });
  await waitFor(() => expect(samples.length).toBeGreaterThan(1));
  expect(samples[1]?.loopBusy).toBeGreaterThan(0.8);
  await waitFor(() => expect(Math.min(...samples.map((sample) => sample.loopBusy))).toBeLessThan(0.6));
  expect(samples[0]?.memoryBytes).toBeGreaterThan(10e6);
  stop.abort();
  const { length } = samples;
  await delay(250);
  expect(samples).toHaveLength(length);
});

test('used swap is read from /proc/meminfo', async () => {
  expect(parseSwap('MemTotal:  100 kB\nSwapTotal:       2048 kB\nSwapFree:        1024 kB\n')).toBe(1024 ** 2);
  expect(parseSwap('MemTotal:  100 kB\n')).toBeNull();
  if (process.platform !== 'linux') return;
  const stop = new AbortController();
  const first = await new Promise((resolve) => watchSwap(resolve, { signal: stop.signal }));
  stop.abort();
  expect(first).toBeGreaterThanOrEqual(0);
});
