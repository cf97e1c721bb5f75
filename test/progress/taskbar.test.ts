import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startProgress } from '../../src/progress/index.ts';
import { hasTaskbar } from '../../src/progress/taskbar.ts';
import { changeSnapshot } from '../helpers/change-snapshot.ts';
import { captureStream, midway } from './capture.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** The states that were written, as `state;percent`. */
const states = (text: string): string[] =>
  text
    .split('\u001B]9;4;')
    .slice(1)
    .map((rest) => rest.split('\u001B\\')[0] ?? '');

test('the task bar gets the progress every second, and is cleared once', () => {
  const { stream, text } = captureStream(80);
  const state = changeSnapshot(midway, { progress: { done: 0, failed: 0, total: null } });
  const environment = { TERM: 'xterm-256color', WT_SESSION: '1' };
  const progress = startProgress({ mode: 'auto', snapshot: () => state, title: 'a', stream, environment });
  Object.assign(state.progress, { total: 200, done: 126 });
  vi.advanceTimersByTime(1000);
  state.progress.failed = 20;
  vi.advanceTimersByTime(1000);
  progress.stop();
  progress.stop();
  vi.advanceTimersByTime(1000);
  expect(states(text())).toEqual(['3;0', '1;63', '2;63', '0;0']);
});

test('a process that ends on its own clears it too', () => {
  const { stream, text } = captureStream(80);
  const before = process.listeners('exit');
  startProgress({ mode: 'auto', snapshot: () => midway, title: 'a', stream, environment: { WT_SESSION: '1' } });
  const [atExit] = process.listeners('exit').filter((listener) => !before.includes(listener));
  atExit?.(1);
  expect(states(text()).at(-1)).toBe('0;0');
  expect(process.listeners('exit')).toEqual(before);
});

test.each<[boolean, NodeJS.ProcessEnv]>([
  [true, { WT_SESSION: 'a' }],
  [true, { ConEmuANSI: 'ON' }],
  [true, { TERM_PROGRAM: 'ghostty', TERM_PROGRAM_VERSION: '1.2.3' }],
  [true, { TERM_PROGRAM: 'WezTerm', TERM_PROGRAM_VERSION: '20250301-1-abc' }],
  [false, { TERM_PROGRAM: 'WezTerm', TERM_PROGRAM_VERSION: '20240203-110809-5046fc22' }],
  [true, { TERM_PROGRAM: 'iTerm.app', TERM_PROGRAM_VERSION: '3.6.6' }],
  [false, { TERM_PROGRAM: 'iTerm.app', TERM_PROGRAM_VERSION: '3.5.14' }],
  [true, { VTE_VERSION: '7900' }],
  [false, { VTE_VERSION: '7600' }],
  [false, { WT_SESSION: 'a', TMUX: '/tmp/tmux-1/default,1,0' }],
  [false, { TERM_PROGRAM: 'ghostty', TERM: 'screen-256color' }],
  [false, { TERM: 'xterm-256color' }],
])('a task bar is there: %s, in %j', (expected, environment) => {
  expect(hasTaskbar(environment)).toBe(expected);
});

test('a pipe and a dumb terminal get no sequence', () => {
  for (const [columns, TERM] of [
    [undefined, 'xterm'],
    [80, 'dumb'],
  ] as const) {
    const { stream, text } = captureStream(columns);
    const environment = { TERM, WT_SESSION: '1' };
    startProgress({ mode: 'auto', snapshot: () => midway, title: 'a', stream, environment }).stop();
    expect(text()).not.toContain('\u001B]');
  }
});
