import { cpus } from 'node:os';
import { expect, test } from 'vitest';
import { busyCores } from '../../src/machine/busy-cores.ts';

test('no more cores are busy than there are', async () => {
  const busy = await busyCores(new AbortController().signal, 50);
  expect(busy).toBeGreaterThanOrEqual(0);
  expect(busy).toBeLessThan(cpus().length + 1);
});

test('it ends with its signal', async () => {
  await expect(busyCores(AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped');
});
