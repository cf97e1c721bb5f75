import { describe, expect, test } from 'vitest';
import { readBody } from '../../../../src/backends/ollama/answer/read-body.ts';

const read = (changes: Record<string, unknown>, key: 'messages' | 'prompt' | 'input' = 'messages') =>
  readBody({ body: { model: 'm', [key]: [], ...changes } }, key);

describe('the keys of a body', () => {
  test('are the model’s own where nothing is given, and no thinking', () => {
    expect(read({ temperature: null, stop: null, max_tokens: null, tools: null })).toEqual({
      options: {},
      maxTokens: null,
      request: { think: false },
    });
  });

  test('are Ollama’s under all their names', () => {
    const given = {
      temperature: 0,
      top_p: 0.9,
      top_k: 40,
      min_p: 0.1,
      typical_p: 0.5,
      seed: 7,
      frequency_penalty: -1,
      presence_penalty: 1,
    };
    expect(read(given).options).toEqual(given);
    expect(read({ repetition_penalty: 1.2 }).options).toEqual({ repeat_penalty: 1.2 });
    expect(read({ repetition_penalty: 1.2, repeat_penalty: 1.3 }).options).toEqual({ repeat_penalty: 1.3 });
    expect(read({ stop: 'x' }).options).toEqual({ stop: ['x'] });
    expect(read({ top_k: -1 }).options).toEqual({ top_k: 0 });
    expect(read({ max_tokens: 5 }).maxTokens).toBe(5);
    expect(read({ max_tokens: 5, max_completion_tokens: 7 }).maxTokens).toBe(7);
  });

  test('that change nothing in an answer are taken', () => {
    const harmless = { n: 1, stream: true, stream_options: {}, user: 'me', metadata: {}, store: false };
    expect(read({ ...harmless, parallel_tool_calls: true })).toEqual(read({}));
    expect(read({ ...harmless, echo: false }, 'prompt')).toEqual(read({}, 'prompt'));
  });

  test.each<[Record<string, unknown>, boolean | string]>([
    [{}, false],
    [{ think: true }, true],
    [{ think: 'low' }, 'low'],
    [{ reasoning_effort: 'none' }, false],
    [{ reasoning_effort: 'minimal' }, 'low'],
    [{ reasoning_effort: 'medium' }, 'medium'],
    [{ think: false, reasoning_effort: 'high' }, false],
    [{ chat_template_kwargs: { enable_thinking: true } }, true],
    [{ chat_template_kwargs: { enable_thinking: false } }, false],
    [{ chat_template_kwargs: {} }, false],
  ])('say whether to think: %j', (body, think) => {
    expect(read(body).request.think).toBe(think);
  });

  test.each([
    ['temperature', -1],
    ['temperature', '0'],
    ['top_p', 1.5],
    ['top_k', -2],
    ['max_tokens', 0],
    ['max_completion_tokens', 1.5],
    ['seed', 'x'],
    ['stop', ['']],
    ['repeat_penalty', 0],
    ['response_format', { type: 'xml' }],
    ['response_format', { type: 'json_schema' }],
    ['n', 2],
    ['logprobs', 5],
    ['top_logprobs', 21],
    ['think', 'very'],
    ['reasoning_effort', 'extreme'],
    ['tools', {}],
    ['tool_choice', { type: 'function', function: { name: 'f' } }],
    ['chat_template_kwargs', { enable_thinking: 1 }],
    ['chat_template_kwargs', { documents: [] }],
    ['logit_bias', { 5: 1 }],
    ['prompt', 'both'],
    ['constructor', 1],
    ['options', {}],
    ['num_ctx', 1],
    ['keep_alive', -1],
    ['num_predict', 5],
  ])('are refused by name where they can’t be honoured: %s %j', (key, value) => {
    expect(() => read({ [key]: value })).toThrow(`\`${key}\``);
  });

  test('pass where they change nothing', () => {
    const neutral = {
      service_tier: 'auto',
      parallel_tool_calls: false,
      tools: [],
      functions: [],
      tool_choice: 'none',
      logit_bias: {},
      top_logprobs: 0,
      modalities: ['text'],
      prompt_cache_key: 'a',
      echo: false,
      best_of: 1,
      suffix: '',
      ignore_eos: false,
    };
    const { request } = read(neutral);
    expect(request).toEqual({ ...read({}).request, top_logprobs: 0 });
    expect(() => read({ parallel_tool_calls: false, tools: [{}] })).toThrow('`parallel_tool_calls`');
  });

  test('are other ones for a completion, and for embeddings', () => {
    for (const key of ['tools', 'tool_choice', 'chat_template_kwargs']) {
      expect(() => read({ [key]: [{}] }, 'prompt')).toThrow(`\`${key}\``);
    }
    expect(() => read({ echo: true }, 'prompt')).toThrow('`echo`');
    expect(() => read({ seed: 1 }, 'input')).toThrow('`seed`');
    expect(() => read({ dimensions: 0 }, 'input')).toThrow('`dimensions`');
    expect(read({ dimensions: 5, encoding_format: 'float', user: 'me' }, 'input').options).toEqual({});
  });
});
