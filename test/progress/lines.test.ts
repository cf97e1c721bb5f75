import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startProgress } from '../../src/progress/index.ts';
import { changeSnapshot } from '../helpers/change-snapshot.ts';
import { captureStream, midway } from './capture.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function startLines(columns?: number) {
  const { stream, text } = captureStream(columns);
  const state = changeSnapshot(midway, {});
  const progress = startProgress({ mode: 'plain', snapshot: () => state, title: 'candidates.jsonl', stream });
  return { state, progress, lines: () => text().split('\n').slice(0, -1) };
}

test('without a terminal there is a plain line every ten seconds', () => {
  const { progress, lines } = startLines();
  vi.advanceTimersByTime(9000);
  expect(lines()).toEqual([]);
  vi.advanceTimersByTime(21_000);
  expect(lines().length).toBe(3);
  expect(lines()[0]).toBe(
    'candidates.jsonl   63%  126/200  2 failed  46.9 req/s  ETA 4m 05s (3m 50s to 4m 20s)  2,734 tok/s  812 prompt tok/s  elapsed 1m 02s  VRAM 18.2/24.0G',
  );
  progress.stop();
});

test('100 requests make a line earlier, at most one a second', () => {
  const { state, progress, lines } = startLines();
  for (let step = 0; step < 30; step++) {
    state.progress.done += 100;
    vi.advanceTimersByTime(100);
  }
  expect(lines().length).toBe(3);
  progress.stop();
});

test('the end is a line, once, and no colour is written', () => {
  const { progress, lines } = startLines();
  progress.note('a note');
  progress.stop();
  progress.stop();
  expect(lines().length).toBe(2);
  expect(lines().join('')).not.toContain('\u001B');
});

test('on a terminal, which results may share, a line comes by the time alone, and none at the end', () => {
  const { state, progress, lines } = startLines(80);
  state.progress.done += 50;
  vi.advanceTimersByTime(9000);
  state.progress.done += 200;
  vi.advanceTimersByTime(9000);
  expect(lines().length).toBe(1);
  progress.stop();
  expect(lines().length).toBe(1);
});

test('before there is a rate a line comes ever more seldom, says how long it takes, and none is at the end', () => {
  const { state, progress, lines } = startLines();
  const none = { recent: null, overall: null, basis: null };
  Object.assign(state.progress, { done: 0, total: null, failed: 0, inFlight: 0 });
  Object.assign(state, { rates: { requests: none, generation: none, prompt: none } });
  Object.assign(state.times, { eta: null });
  Object.assign(state.machine, { gpus: null });
  vi.advanceTimersByTime(20_000);
  Object.assign(state.progress, { total: 200, inFlight: 4 });
  Object.assign(state.times, { elapsedSeconds: 20 });
  vi.advanceTimersByTime(59_000);
  expect(lines()).toEqual([
    'candidates.jsonl  starting, 10 s',
    'candidates.jsonl  starting, 20 s',
    'candidates.jsonl    0%    0/200  4 in flight, 20 s',
  ]);
  progress.stop();
  expect(lines().length).toBe(3);
});
