import { expect, test } from 'vitest';
import { withoutThinking } from '../../../src/scheduler/answer-checks/thinking.ts';

test.each([
  ['<think>\nhm\n</think>\n\nred', 'red'],
  ['<THINK>hm</THINK>red', 'red'],
  ['<thinking>hm</thinking> red', 'red'],
  ['<reasoning>hm</reasoning> red', 'red'],
  ['[THINK]hm[/THINK]red', 'red'],
  ['<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>red', 'red'],
  ['<|channel>thought\nhm<channel|>red', 'red'],
  ['<think>a</think><think>b</think>red', 'red'],
  ['<think>hm</think><answer>red</answer>', 'red'],
  ['the template opened it</think>red', 'red'],
  ['<think>it never ends', ''],
  ['<|channel|>analysis<|message|>it never ends', ''],
])('the thinking of %j is taken off', (content, text) => {
  expect(withoutThinking(content)).toEqual({ text, isThinking: true });
});

test.each([
  'red',
  '<b>red</b>',
  'Write <think> and </think> around it',
  '{"a":"</b>"}',
  '<score>5</score><reasoning>so</reasoning>',
])('%j is an answer as it stands', (content) => {
  expect(withoutThinking(content)).toEqual({ text: content, isThinking: false });
});
