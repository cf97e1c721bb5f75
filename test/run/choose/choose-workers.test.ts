import { describe, expect, test } from 'vitest';
import { chooseWorkers, describeWorkers, leaveSlot } from '../../../src/run/choose/choose-workers.ts';

const limits = { slots: 2, suggestedWorkers: 3, contextTokens: 4096 };
const auto = { workers: null, forceHistories: false };

describe('independent requests', () => {
  test('take as many workers as the engine suggests, without a word', () => {
    expect(chooseWorkers(auto, limits, 'independent')).toEqual({ maxWorkers: 3, note: null, startsWith: null });
    expect(chooseWorkers(auto, { ...limits, slots: null }, 'independent')).toEqual({
      maxWorkers: 3,
      note: null,
      startsWith: null,
    });
  });

  test('take as many as were asked for, and are told what would give more slots', () => {
    expect(chooseWorkers({ ...auto, workers: 2 }, limits, 'independent')).toEqual({
      maxWorkers: 2,
      note: null,
      startsWith: null,
    });
    const moreSlots = (slots: number): string => `A_SETTING=${slots}`;
    expect(chooseWorkers({ ...auto, workers: 8 }, limits, 'independent', moreSlots)).toEqual({
      maxWorkers: 8,
      startsWith: null,
      note: '8 workers, but the engine works on 2 at a time: the others wait in its queue (more at once: A_SETTING=8)',
    });
  });
});

test('a run in the background leaves a slot to others, unless the user named a number', () => {
  const leave = (workers: number | null, slots: number | null, startsWith: number | null = null): unknown =>
    leaveSlot({ workers, background: true }, slots, { maxWorkers: 5, startsWith, note: null });
  expect(leave(null, 4)).toMatchObject({ maxWorkers: 3, startsWith: null });
  expect(leave(null, 4, 5)).toMatchObject({ maxWorkers: 3, startsWith: 3 });
  for (const [workers, slots] of [
    [5, 4],
    [null, 1],
    [null, null],
  ] as const)
    expect(leave(workers, slots)).toMatchObject({ maxWorkers: 5 });
  expect(leaveSlot({ workers: null, background: false }, 4, { maxWorkers: 5, startsWith: null, note: null })).toEqual({
    maxWorkers: 5,
    startsWith: null,
    note: null,
  });
});

test.each([
  [4, null, 4, '4 workers (the engine works on 4 at a time)'],
  [2, null, 1, '2 workers (the engine works on 1 at a time, and the next one is ready)'],
  [3, null, 4, '3 workers (the engine works on 4 at a time, and others can use the rest)'],
  [1, 1, 4, '1 worker'],
  [8, null, null, '8 workers'],
] as const)('%d workers are told with the reason where nobody asked for them', (maxWorkers, workers, slots, text) => {
  expect(describeWorkers({ maxWorkers, startsWith: null, note: null }, { workers }, { slots })).toBe(text);
});

describe('conversations', () => {
  test('are no more than there are slots', () => {
    expect(chooseWorkers(auto, limits, 'conversation')).toEqual({ maxWorkers: 2, note: null, startsWith: null });
    const fewer = chooseWorkers({ ...auto, workers: 4 }, { ...limits, slots: 1 }, 'conversation');
    expect(fewer.maxWorkers).toBe(1);
    expect(fewer.note).toContain('1 worker instead of 4: the engine works on 1 at a time');
  });

  test('are more where it is forced, with a warning', () => {
    const forced = chooseWorkers({ workers: 4, forceHistories: true }, limits, 'conversation');
    expect(forced.maxWorkers).toBe(4);
    expect(forced.note).toMatch(/^warning: 4 histories, but the engine works on 2 at a time/);
  });
});

describe('a server of which nobody knows what it can hold', () => {
  const unknown = { slots: null, suggestedWorkers: 8, contextTokens: null, finds: { start: 8, max: 256 } };

  test('is started with few, and the number is found', () => {
    expect(chooseWorkers(auto, unknown, 'independent')).toEqual({
      maxWorkers: 256,
      startsWith: 8,
      note: null,
    });
  });

  test('gets as many as were asked for, and then never more', () => {
    const asked = { maxWorkers: 1000, startsWith: 1000, note: null };
    expect(chooseWorkers({ ...auto, workers: 1000 }, unknown, 'independent')).toEqual(asked);
  });

  test('gets few histories, and never more', () => {
    expect(chooseWorkers(auto, unknown, 'conversation')).toEqual({ maxWorkers: 8, startsWith: 8, note: null });
  });

  test('with slots of its own gets as many', () => {
    const known = { ...limits, finds: { start: 3, max: 3 } };
    expect(chooseWorkers(auto, known, 'independent')).toEqual({ maxWorkers: 3, startsWith: 3, note: null });
    expect(chooseWorkers(auto, known, 'conversation')).toEqual({ maxWorkers: 2, startsWith: 2, note: null });
  });
});
