import { expect, test } from 'vitest';
import { withoutThinking } from '../../../src/scheduler/answer-checks/thinking.ts';

test.each([
  ['<think>\nhm\n</think>\n\nred', '<think>', 'hm', 'red'],
  ['<THINK>hm</THINK>red', '<THINK>', 'hm', 'red'],
  ['<thinking>hm</thinking> red', '<thinking>', 'hm', 'red'],
  ['<reasoning>hm</reasoning> red', '<reasoning>', 'hm', 'red'],
  ['[THINK]hm[/THINK]red', '[THINK]', 'hm', 'red'],
  [
    '<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>red',
    '<|channel|>',
    'analysis<|message|>hm<|end|><|start|>assistant',
    'red',
  ],
  ['<|channel>thought\nhm<channel|>red', '<|channel>thought', 'hm', 'red'],
  ['<think>a</think><think>b</think>red', '<think>', 'a', 'red'],
  ['<think></think><think>b</think>red', '<think>', 'b', 'red'],
  ['<think>hm</think><answer>red</answer>', '<think>', 'hm', 'red'],
  ['the template opened it</think>red', '<think>', 'the template opened it', 'red'],
  ['<think>it never ends', '<think>', 'it never ends', ''],
  ['<|channel|>analysis<|message|>it never ends', '<|channel|>', 'analysis<|message|>it never ends', ''],
  ['<think>\n\n</think>\n\nred', '<think>', '', 'red'],
  ['\n</think>\n\nred', '<think>', '', 'red'],
])('the thinking of %j is taken off', (content, mark, thought, text) => {
  expect(withoutThinking(content)).toEqual({ text, thinking: { mark, text: thought } });
});

test.each([
  'red',
  '<b>red</b>',
  'Write <think> and </think> around it',
  '{"a":"</b>"}',
  '<score>5</score><reasoning>so</reasoning>',
])('%j is an answer as it stands', (content) => {
  expect(withoutThinking(content)).toEqual({ text: content, thinking: null });
});
