import { describe, expect, test } from 'vitest';
import {
  type BatchTurn,
  findReplacement,
  maxPassedMs,
  nextDueMs,
  orderTurns,
  passedBy,
} from '../../../src/serve/queue/order-turns.ts';

const turn = (id: string, changes: Partial<BatchTurn> = {}): BatchTurn => ({
  id,
  priority: 0,
  arrival: Number(id.replaceAll(/\D/g, '')),
  models: ['a'],
  passedAt: null,
  ...changes,
});
const ids = (turns: readonly BatchTurn[]): string[] => turns.map(({ id }) => id);
const nowMs = 1_000_000_000;

describe('the order of the batches', () => {
  const order = (turns: BatchTurn[], loadedModel: string | null = null): string[] =>
    ids(orderTurns(turns, { loadedModel, nowMs }));

  test('is by priority, then by age', () => {
    expect(order([turn('3'), turn('2', { priority: 5 }), turn('1'), turn('4', { priority: 5 })])).toEqual([
      '2',
      '4',
      '1',
      '3',
    ]);
    expect(order([turn('1', { priority: -1 }), turn('2')])).toEqual(['2', '1']);
  });

  test('takes the loaded model first, among equals', () => {
    const turns = [turn('1', { models: ['b'] }), turn('2'), turn('3', { priority: 1, models: ['b'] }), turn('4')];
    expect(order(turns, 'a')).toEqual(['3', '2', '4', '1']);
    expect(order(turns, 'b')).toEqual(['3', '1', '2', '4']);
    expect(order(turns, null)).toEqual(['3', '1', '2', '4']);
  });

  test('counts a batch of several models as one of each', () => {
    expect(order([turn('1', { models: ['b'] }), turn('2', { models: ['c', 'a'] })], 'a')).toEqual(['2', '1']);
  });

  test('lets a batch that was passed over wait for ten minutes, and no longer', () => {
    const passed = (ms: number): BatchTurn[] => [turn('1', { models: ['b'], passedAt: nowMs - ms }), turn('2')];
    expect(order(passed(maxPassedMs - 1), 'a')).toEqual(['2', '1']);
    expect(order(passed(maxPassedMs), 'a')).toEqual(['1', '2']);
  });
});

test('a begun batch passes over those that are older and as urgent', () => {
  const waiting = [turn('1'), turn('2', { priority: 1 }), turn('3'), turn('5'), turn('6', { priority: -1 })];
  expect(ids(passedBy(turn('4'), waiting))).toEqual(['1', '3']);
});

describe('a running batch', () => {
  const replacement = (running: BatchTurn, waiting: BatchTurn[]): string | undefined =>
    findReplacement(running, waiting, { loadedModel: 'a', nowMs })?.id;

  test('gives way to a higher priority at once, and to no other', () => {
    expect(replacement(turn('1'), [turn('2', { priority: 1, models: ['b'] })])).toBe('2');
    expect(replacement(turn('2'), [turn('1')])).toBeUndefined();
    expect(replacement(turn('1', { priority: 1 }), [turn('2', { priority: 1 }), turn('3')])).toBeUndefined();
    expect(replacement(turn('1'), [])).toBeUndefined();
  });

  test('gives way to an older one that it has passed over for ten minutes', () => {
    const passed = (id: string, ms: number, changes: Partial<BatchTurn> = {}): BatchTurn =>
      turn(id, { models: ['b'], passedAt: nowMs - ms, ...changes });
    expect(replacement(turn('2'), [passed('1', maxPassedMs - 1)])).toBeUndefined();
    expect(replacement(turn('2'), [passed('1', maxPassedMs)])).toBe('1');
    expect(replacement(turn('1'), [passed('2', maxPassedMs)])).toBeUndefined();
    expect(replacement(turn('2', { priority: 1 }), [passed('1', maxPassedMs)])).toBeUndefined();
  });
});

test('the queue comes back when the first that was passed over is due', () => {
  const waiting = [turn('1', { passedAt: nowMs - 5 }), turn('2', { passedAt: nowMs - 9 }), turn('3')];
  expect(nextDueMs(waiting, nowMs)).toBe(nowMs - 9 + maxPassedMs);
  expect(nextDueMs([turn('1'), turn('2', { passedAt: nowMs - maxPassedMs })], nowMs)).toBeNull();
});
