import { expect, test } from 'vitest';
import { systemPromptOf, textOf } from '../../src/core/request.ts';

const body = (messages: { role: string; content: string }[]) => ({ model: 'mock', messages });

test('the system prompt is the first message of role system or developer', () => {
  expect(systemPromptOf(body([{ role: 'system', content: 'Score.' }]))).toBe('Score.');
  expect(systemPromptOf(body([{ role: 'developer', content: 'Score.' }]))).toBe('Score.');
});

test('without one at the start it is empty', () => {
  const late = [
    { role: 'user', content: 'Hi' },
    { role: 'system', content: 'late' },
  ];
  expect([
    systemPromptOf(body(late)),
    systemPromptOf(body([])),
    systemPromptOf({ model: 'mock', prompt: 'Hi' }),
  ]).toEqual(['', '', '']);
});

test('the text of a list of parts has each of their texts on a line of its own', () => {
  const parts = [{ type: 'text', text: 'a' }, { type: 'image_url' }, { type: 'text', text: 'b' }];
  expect([textOf(parts), textOf('plain'), textOf(null)]).toEqual(['a\nb', 'plain', '']);
});
