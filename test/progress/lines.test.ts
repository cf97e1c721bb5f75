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

function startLines() {
  const { stream, text } = captureStream();
  const state = changeSnapshot(midway, {});
  const progress = startProgress({ mode: 'auto', snapshot: () => state, title: 'candidates.jsonl', stream });
  return { state, progress, lines: () => text().split('\n').slice(0, -1) };
}

test('without a terminal there is a plain line every ten seconds', () => {
  const { progress, lines } = startLines();
  vi.advanceTimersByTime(9000);
  expect(lines()).toEqual([]);
  vi.advanceTimersByTime(21_000);
  expect(lines().length).toBe(3);
  expect(lines()[0]).toBe(
    'candidates.jsonl   63%  126/200  46.9 req/s  2734 tok/s  ETA 4m 05s  (3m 50s to 4m 20s)  2 failed  VRAM 18.2/24.0G',
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
