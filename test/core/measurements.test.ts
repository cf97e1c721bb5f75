import { expect, test } from 'vitest';
import { gpuMemory } from '../../src/core/measurements.ts';

const gpu = { usedBytes: 1, totalBytes: 4, utilisation: null, temperature: null, powerWatts: null };

test('memory is summed over the GPUs', () => {
  expect(gpuMemory([gpu, gpu])).toEqual({ usedBytes: 2, totalBytes: 8 });
});

test('memory that no driver tells is null', () => {
  expect(gpuMemory([{ ...gpu, usedBytes: null }])).toEqual({ usedBytes: null, totalBytes: 4 });
  expect(gpuMemory([])).toEqual({ usedBytes: null, totalBytes: null });
});
