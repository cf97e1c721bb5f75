import { expect, test } from 'vitest';
import type { VramLimit } from '../../../src/core/settings.ts';
import { createVramGauge } from '../../../src/scheduler/limits/vram-gauge.ts';
import { gpus } from '../gpu-samples.ts';

const levels = (limit: VramLimit, percents: number[]) => {
  const gauge = createVramGauge(limit);
  return percents.map((percent) => gauge.read(gpus(percent))?.level);
};

test('a limit is a share of the card, bytes, or 87.5%; 2% under it there is room', () => {
  const around = ['below', 'near', 'over', 'over'];
  expect(levels({ share: 0.5 }, [47.9, 48.1, 50, 99])).toEqual(around);
  expect(levels({ bytes: 8 * 1024 ** 3 }, [47.9, 48.1, 50, 99])).toEqual(around);
  expect(levels('auto', [85.4, 85.6, 87.5, 99])).toEqual(around);
});

test('the GPU that is worst by its own limit decides', () => {
  const gauge = createVramGauge({ share: 0.5 });
  expect(gauge.read(gpus(10, 60, 20))).toEqual({ share: 0.6, limit: 0.5, level: 'over' });
  const mixed = [...gpus(50), { ...gpus(60)[0]!, totalBytes: 10 * 1024 ** 3 }];
  expect(createVramGauge({ bytes: 9 * 1024 ** 3 }).read(mixed)).toMatchObject({ level: 'over', share: 0.96 });
});

test('GPUs that say nothing, and a limit of none, are not read', () => {
  expect(createVramGauge('auto').read(gpus(null))).toBeNull();
  expect(createVramGauge('auto').read([])).toBeNull();
  expect(createVramGauge('auto').read(gpus(null, 99))).toMatchObject({ level: 'over' });
  expect(createVramGauge('none').read(gpus(99))).toBeNull();
});

test('what was accepted is room, and only growth by 2% is too much, each GPU for itself', () => {
  const gauge = createVramGauge('auto');
  gauge.accept(gpus(95, 10));
  expect([95, 95.5, 97.1].map((percent) => gauge.read(gpus(percent, 10))?.level)).toEqual(['below', 'near', 'over']);
  expect(gauge.read(gpus(95, 90))?.level).toBe('over');
});
