import { expect, test } from 'vitest';
import { answerText, failure, responseBody } from '../../src/core/completion.ts';

const answer = { id: '7', model: 'mock', text: 'Hello', finishReason: 'stop', promptTokens: 5, completionTokens: 2 };

test('a chat answer is a chat.completion with its usage', () => {
  const body = responseBody({ ...answer, chat: true, cachedTokens: 3 });
  expect(body).toMatchObject({
    id: 'chatcmpl-7',
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7, prompt_tokens_details: { cached_tokens: 3 } },
  });
  expect(answerText(body)).toBe('Hello');
});

test('a completion is a text_completion, without cached tokens where the engine reports none', () => {
  const body = responseBody({ ...answer, chat: false });
  expect(body).toMatchObject({ id: 'cmpl-7', object: 'text_completion', choices: [{ text: 'Hello' }] });
  expect(body.usage).not.toHaveProperty('prompt_tokens_details');
  expect(answerText(body)).toBe('Hello');
});

test('an answer that the engine did not count both sides of has no usage', () => {
  const { promptTokens: _, ...uncounted } = answer;
  expect(responseBody({ ...uncounted, chat: true })).not.toHaveProperty('usage');
  expect(responseBody({ ...answer, completionTokens: undefined, chat: true })).not.toHaveProperty('usage');
});

test('an answer without text is empty', () => {
  const body = responseBody({ ...answer, chat: true });
  expect(answerText({ ...body, choices: [] })).toBe('');
  expect(
    answerText({
      ...body,
      choices: [{ index: 0, message: { role: 'assistant', content: null }, finish_reason: 'stop' }],
    }),
  ).toBe('');
});

test('a failure is a value with its kind', () => {
  expect(failure('timeout', 'late')).toEqual({ status: 'failed', kind: 'timeout', message: 'late' });
});
