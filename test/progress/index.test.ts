import { expect, test } from 'vitest';
import { type ProgressMode, startProgress } from '../../src/progress/index.ts';
import { captureStream, midway } from './capture.ts';

const run = { snapshot: () => midway, title: 'in.jsonl' };

test('none shows the notes and nothing else', () => {
  const { stream, text } = captureStream(80);
  const progress = startProgress({ ...run, mode: 'none', stream, environment: {} });
  progress.note('backend ollama');
  progress.stop();
  expect(text()).toBe('backend ollama\n');
});

test('a bar without a terminal becomes plain lines', () => {
  const { stream, text } = captureStream();
  startProgress({ ...run, mode: 'bar', stream, environment: {} }).stop();
  expect(text()).toMatch(/^in\.jsonl {3}63%/);
});

/** What the first line is followed by: a bar stays on the screen, and a plain line does not come on a terminal. */
function lastLine(mode: ProgressMode, environment: NodeJS.ProcessEnv): string {
  const { stream, text } = captureStream(80);
  startProgress({ ...run, mode, stream, environment }).stop();
  return text();
}

test('a terminal that moves no cursor, and the log of a CI job, get no bar', () => {
  expect(lastLine('auto', { TERM: 'xterm' })).toContain('63%');
  expect(lastLine('auto', { TERM: 'xterm', CI: 'false' })).toContain('63%');
  expect(lastLine('auto', { TERM: 'dumb' })).toBe('');
  expect(lastLine('bar', { TERM: 'dumb' })).toBe('');
  expect(lastLine('auto', { TERM: 'xterm', CI: 'true' })).toBe('');
  expect(lastLine('bar', { TERM: 'xterm', CI: 'true' })).toContain('63%');
});

test('the letters of the bar are those of the locale', () => {
  expect(lastLine('bar', { TERM: 'xterm', LC_ALL: 'C', LANG: 'de_DE.UTF-8' })).toContain('###');
  expect(lastLine('bar', { TERM: 'xterm', LC_ALL: '', LANG: 'de_DE.UTF-8' })).toContain('███');
  expect(lastLine('bar', { TERM: 'xterm' })).toContain('###');
});
