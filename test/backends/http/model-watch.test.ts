import { expect, test } from 'vitest';
import { createModelWatch } from '../../../src/backends/http/model-watch.ts';

function noticesOf(asked: string, ...answered: unknown[]): string[] {
  const notices: string[] = [];
  const watch = createModelWatch((text) => notices.push(text));
  for (const name of answered) watch(asked, name);
  return notices;
}

test.each([
  ['gpt-4o', 'gpt-4o-2024-08-06'],
  ['openai/gpt-4o', 'gpt-4o'],
  ['gemini-2.0-flash', 'models/gemini-2.0-flash'],
  ['qwen3:0.6b', 'qwen3'],
  ['m', 'm:latest'],
  ['Qwen/Qwen3-8B', '/models/qwen3-8b-q4_k_m.gguf'],
  ['/data/smollm2.gguf', 'smollm2'],
  ['llama 3.1', 'Llama_3.1'],
  ['a', ''],
  ['a', null],
  ['a', { toString: 1 }],
])('%j answers as %j: nothing to tell', (asked, answered) => {
  expect(noticesOf(asked, answered)).toEqual([]);
});

test('another name is told once', () => {
  expect(noticesOf('qwen3-8b', 'llama-3.1-8b', 'qwen3-8b', 'llama-3.1-8b')).toEqual([
    'warning: the server says that its answers are of the model llama-3.1-8b, where qwen3-8b is asked for',
  ]);
});

test('of many names a few are told, on one line each', () => {
  const names = Array.from({ length: 50 }, (_, index) => `other${index}\n\u001B[2J${'x'.repeat(index)}`);
  const notices = noticesOf('qwen3-8b', ...names);
  expect(notices).toHaveLength(3);
  // oxlint-disable-next-line no-control-regex
  expect(notices.join('')).not.toMatch(/[\n\u001B]/);
});
