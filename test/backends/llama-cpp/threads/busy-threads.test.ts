import { expect, test } from 'vitest';
import { fewerThreads } from '../../../../src/backends/llama-cpp/threads/busy-threads.ts';

test('fewer threads are proposed where other programs have the cores, and never none', () => {
  expect(fewerThreads({ threads: 2, cores: 2, busy: 1.97 })).toEqual({
    threads: 1,
    advice:
      'llama-cpp takes 2 CPU threads, but other programs keep 2.0 of the 2 cores busy: --option threads=1 may be several times faster',
    notice:
      'llama-cpp takes 1 CPU thread, because other programs keep 2.0 of the 2 cores busy; without them: --option threads=2',
  });
  expect(fewerThreads({ threads: 8, cores: 8, busy: 3 })?.threads).toBe(5);
});

test('nothing is said where the cores are free', () => {
  expect(fewerThreads({ threads: 2, cores: 2, busy: 0.4 })).toBeNull();
  expect(fewerThreads({ threads: 8, cores: 16, busy: 4 })).toBeNull();
});
