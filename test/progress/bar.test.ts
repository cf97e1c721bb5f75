import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { startProgress } from '../../src/progress/index.ts';
import { changeSnapshot } from '../helpers/change-snapshot.ts';
import { captureStream, midway } from './capture.ts';
import { waitFor } from '../helpers/wait.ts';

const escape = '\u001B';
const environment = { LANG: 'C.UTF-8', TERM: 'xterm' };

async function startBar() {
  const { stream, text } = captureStream(80);
  let done = 0;
  const snapshot = () => changeSnapshot(midway, { progress: { done: ++done } });
  const progress = startProgress({ mode: 'auto', snapshot, title: 'candidates.jsonl', stream, environment });
  await waitFor(() => expect(text()).toContain('░'));
  return { progress, text };
}

test('the bar hides the cursor while it lives, gives it back, and leaves line wrapping alone', async () => {
  const { progress, text } = await startBar();
  expect(text()).toContain(`${escape}[?25l`);
  progress.stop();
  const end = text().slice(text().lastIndexOf(`${escape}[?25l`));
  expect(end).toContain(`${escape}[?25h`);
  expect(text()).not.toContain(`${escape}[?7`);
});

test('the cursor waits at the beginning of the bar, and each frame clears all below', async () => {
  const { progress, text } = await startBar();
  expect(text().split('\r').slice(-2)).toEqual([expect.stringMatching(/^[^\n]*%[^\n]*\[J$/), '']);
  progress.stop();
});

test('the last state stays on the screen, on a line of its own', async () => {
  const { progress, text } = await startBar();
  progress.stop();
  expect(text()).toMatch(/\n$/);
  expect(stripVTControlCharacters(text()).split('\n').at(-2)).toContain('/200 2 failed 40.0 req/s');
});

test('a note is a whole line above a bar that is drawn again', async () => {
  const { progress, text } = await startBar();
  const before = text().length;
  progress.note('a note');
  const after = text().slice(before);
  expect(after).toMatch(/a note\n/);
  expect(after.slice(after.indexOf('a note'))).toContain('░');
  progress.stop();
});

test('the cursor is never put back to a row that was saved', async () => {
  const { progress, text } = await startBar();
  progress.note('a note');
  progress.stop();
  expect(text()).not.toContain(`${escape}7`);
  expect(text()).not.toContain(`${escape}8`);
});

test('a run without any answer leaves no bar behind', async () => {
  const { stream, text } = captureStream(80);
  const start = changeSnapshot(midway, { progress: { done: 0 } });
  const progress = startProgress({ mode: 'bar', snapshot: () => start, title: 'a.jsonl', stream, environment });
  await waitFor(() => expect(text()).toContain('0/200'));
  progress.stop();
  expect(text().slice(text().lastIndexOf('0/200'))).not.toContain('\n');
});

test('a long heading is broken at its blanks', () => {
  const { stream, text } = captureStream(30);
  const heading = 'trial 1 of 9: mock, 8 workers, latency_ms=300';
  startProgress({ mode: 'bar', snapshot: () => midway, title: 'a', heading, stream, environment }).stop();
  expect(text().split('\n').slice(0, 2)).toEqual(['trial 1 of 9: mock, 8', '  workers, latency_ms=300']);
});

test('stopping twice writes nothing more, and a bar that never came is no matter', () => {
  const { stream, text } = captureStream(80);
  const progress = startProgress({
    mode: 'bar',
    snapshot: () => midway,
    title: 'candidates.jsonl',
    stream,
    environment,
  });
  progress.note('early');
  progress.stop();
  const written = text();
  progress.stop();
  expect(text()).toBe(written);
  expect(stripVTControlCharacters(written).split('\n').slice(0, 2)).toEqual(['candidates.jsonl', 'early']);
});
