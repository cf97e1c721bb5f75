import { describe, expect, test } from 'vitest';
import { chooseLanes } from '../../../src/run/choose/choose-workers.ts';

const limits = { slots: 2, suggestedWorkers: 3, contextTokens: 4096, moreSlots: 'more: A_SETTING' };
const auto = { workers: null, forceHistories: false };

describe('independent requests', () => {
  test('take as many workers as the engine suggests, without a word', () => {
    expect(chooseLanes(auto, limits, 'independent')).toEqual({ lanes: 3, note: null, startsWith: null });
    expect(chooseLanes(auto, { ...limits, slots: null }, 'independent')).toEqual({
      lanes: 3,
      note: null,
      startsWith: null,
    });
  });

  test('take as many as were asked for, and are told what would give more slots', () => {
    expect(chooseLanes({ ...auto, workers: 2 }, limits, 'independent')).toEqual({
      lanes: 2,
      note: null,
      startsWith: null,
    });
    expect(chooseLanes({ ...auto, workers: 8 }, limits, 'independent')).toEqual({
      lanes: 8,
      startsWith: null,
      note: '8 workers, but the engine works on 2 at a time: the others wait in its queue (more: A_SETTING)',
    });
  });
});

describe('conversations', () => {
  test('are no more than there are slots', () => {
    expect(chooseLanes(auto, limits, 'conversation')).toEqual({ lanes: 2, note: null, startsWith: null });
    const fewer = chooseLanes({ ...auto, workers: 4 }, { ...limits, slots: 1 }, 'conversation');
    expect(fewer.lanes).toBe(1);
    expect(fewer.note).toContain('1 worker instead of 4: the engine works on 1 at a time');
  });

  test('are more where it is forced, with a warning', () => {
    const forced = chooseLanes({ workers: 4, forceHistories: true }, limits, 'conversation');
    expect(forced.lanes).toBe(4);
    expect(forced.note).toMatch(/^warning: 4 histories, but the engine works on 2 at a time/);
  });
});

describe('a server of which nobody knows what it can hold', () => {
  const unknown = { slots: null, suggestedWorkers: 8, contextTokens: null, finds: { start: 8, most: 256 } };

  test('is started with few, and the number is found', () => {
    expect(chooseLanes(auto, unknown, 'independent')).toEqual({
      lanes: 256,
      startsWith: 8,
      note: 'in flight: starts with 8, finds what the server can hold, up to 256',
    });
  });

  test('gets as many as were asked for, and then never more', () => {
    const asked = { lanes: 1000, startsWith: 1000, note: null };
    expect(chooseLanes({ ...auto, workers: 1000 }, unknown, 'independent')).toEqual(asked);
  });

  test('gets few histories, and never more', () => {
    expect(chooseLanes(auto, unknown, 'conversation')).toEqual({ lanes: 8, startsWith: 8, note: null });
  });

  test('with slots of its own gets as many', () => {
    const known = { ...limits, finds: { start: 3, most: 3 } };
    expect(chooseLanes(auto, known, 'independent')).toEqual({ lanes: 3, startsWith: 3, note: null });
    expect(chooseLanes(auto, known, 'conversation')).toEqual({ lanes: 2, startsWith: 2, note: null });
  });
});
