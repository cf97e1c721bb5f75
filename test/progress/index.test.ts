import { expect, test } from 'vitest';
import { startProgress } from '../../src/progress/index.ts';
import { captureStream, midway } from './capture.ts';

test('none shows the notes and nothing else', () => {
  const { stream, text } = captureStream(80);
  const progress = startProgress({ mode: 'none', snapshot: () => midway, title: 'in.jsonl', stream });
  progress.note('backend ollama');
  progress.stop();
  expect(text()).toBe('backend ollama\n');
});

test('a bar without a terminal becomes plain lines', () => {
  const { stream, text } = captureStream();
  startProgress({ mode: 'bar', snapshot: () => midway, title: 'in.jsonl', stream }).stop();
  expect(text()).toMatch(/^in\.jsonl {3}63%/);
});
