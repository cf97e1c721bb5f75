import { describe, expect, test } from 'vitest';
import { readBody } from '../../../../src/backends/llama-cpp/answer/read-body.ts';

const read = (changes: Record<string, unknown>) => readBody({ model: 'm', messages: [], ...changes }, 'messages');

describe('the sampling keys of a body', () => {
  test('are greedy and without limits where nothing is given', () => {
    expect(read({ temperature: null })).toEqual({
      temperature: 0,
      topP: 1,
      topK: 0,
      minP: 0,
      seed: null,
      maxTokens: null,
      stop: [],
      frequencyPenalty: 0,
      presencePenalty: 0,
      repeatPenalty: 1,
      format: { type: 'text' },
    });
  });

  test('are taken under all their names', () => {
    expect(
      read({ max_tokens: 5, max_completion_tokens: 7, stop: 'x', repetition_penalty: 1.2, top_k: -1 }),
    ).toMatchObject({
      maxTokens: 7,
      stop: ['x'],
      repeatPenalty: 1.2,
      topK: 0,
    });
  });

  test.each([
    ['temperature', -1],
    ['temperature', Number.NaN],
    ['top_p', 1.5],
    ['max_tokens', 0],
    ['max_tokens', '5'],
    ['seed', 1.5],
    ['stop', ['']],
    ['stop', [3]],
    ['repeat_penalty', 0],
    ['response_format', { type: 'xml' }],
    ['response_format', { type: 'json_schema' }],
    ['response_format', 'json'],
    ['logprobs', true],
    ['prompt', 'both'],
    ['constructor', 1],
  ])('are refused by name where they make no sense: %s %j', (key, value) => {
    expect(() => read({ [key]: value })).toThrow(`\`${key}\``);
  });
});
