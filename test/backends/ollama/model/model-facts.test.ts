import { describe, expect, test } from 'vitest';
import { hasOneSlot, modelFacts } from '../../../../src/backends/ollama/model/model-facts.ts';
import type { ShownModel } from '../../../../src/backends/ollama/http/wire.ts';
import { tinyScorerFacts } from '../open-ollama-for-test.ts';

/** Of Gemma 3 4B, as `/api/show` has it. */
const gemma: Record<string, unknown> = {
  'general.architecture': 'gemma3',
  'gemma3.attention.head_count': 8,
  'gemma3.attention.head_count_kv': 4,
  'gemma3.attention.key_length': 256,
  'gemma3.attention.value_length': 256,
  'gemma3.attention.sliding_window': 1024,
  'gemma3.block_count': 34,
  'gemma3.context_length': 131_072,
  'gemma3.embedding_length': 2560,
};

const facts = (info: Record<string, unknown>, more: ShownModel = {}) => modelFacts({ model_info: info, ...more });
const without = (key: string): Record<string, unknown> => ({ ...gemma, [key]: undefined });

describe('the facts of a model', () => {
  test('are those of the bundled one', () => {
    expect(tinyScorerFacts).toMatchObject({
      family: 'llama',
      capabilities: ['completion'],
      trainedTokens: 4096,
      // 3 layers, 3 heads, 32 values each for keys and values, 2 bytes a value.
      kvBytesPerToken: 3 * 3 * (32 + 32) * 2,
      keyLength: 32,
      hasSlidingWindow: false,
      knowsControlTokens: true,
      stops: ['<|im_start|>', '<|im_end|>'],
    });
  });

  test('count the KV cache by the heads of keys and values, and by their own lengths', () => {
    expect(facts(gemma)).toMatchObject({
      kvBytesPerToken: 34 * 4 * (256 + 256) * 2,
      keyLength: 256,
      trainedTokens: 131_072,
      hasSlidingWindow: true,
    });
  });

  test('count it by every head, or by the share of one, where nothing else is said', () => {
    expect(facts(without('gemma3.attention.head_count_kv')).kvBytesPerToken).toBe(34 * 8 * 512 * 2);
    expect(facts(without('gemma3.attention.key_length')).kvBytesPerToken).toBe(34 * 4 * (2560 / 8 + 256) * 2);
  });

  test('count it layer by layer where the layers differ', () => {
    const heads = [...Array.from({ length: 30 }, () => 4), 1, 1, 0, 0];
    expect(facts({ ...gemma, 'gemma3.attention.head_count_kv': heads }).kvBytesPerToken).toBe(122 * 512 * 2);
  });

  test.each(['gemma3.block_count', 'general.architecture'])('do not guess it without %s', (key) => {
    expect(facts(without(key)).kvBytesPerToken).toBe(null);
  });

  test('are nothing where the server says nothing', () => {
    expect(modelFacts({})).toMatchObject({
      family: null,
      capabilities: [],
      trainedTokens: null,
      kvBytesPerToken: null,
      keyLength: null,
      knowsControlTokens: false,
      stops: [],
    });
  });

  test('are found by the family where the architecture is not named', () => {
    const info = without('general.architecture');
    expect(facts(info, { details: { family: 'gemma3' } })).toMatchObject({ family: 'gemma3', trainedTokens: 131_072 });
  });

  test('have the model’s own settings', () => {
    const parameters = [
      'repeat_penalty                 1.2',
      'stop                           "<end_of_turn>"',
      String.raw`stop                           "a \"b\"\n"`,
      'stop                           plain text',
      'temperature                    1',
      '',
    ];
    const read = modelFacts({ parameters: parameters.join('\n') });
    expect(read.parameters.get('repeat_penalty')).toBe('1.2');
    expect(read.parameters.get('temperature')).toBe('1');
    expect(read.stops).toEqual(['<end_of_turn>', 'a "b"\n', 'plain text']);
  });
});

describe('the control tokens of a model', () => {
  const vocabulary = (tokens: [text: string, type: number][], more: ShownModel = {}) =>
    modelFacts({
      model_info: {
        'tokenizer.ggml.tokens': tokens.map(([text]) => text),
        'tokenizer.ggml.token_type': tokens.map(([, type]) => type),
        ...more.model_info,
      },
      template: more.template ?? '',
    });

  test('are the control ones of its vocabulary, and what is unknown', () => {
    const { controlTokens, knowsControlTokens } = vocabulary([
      ['<unk>', 2],
      ['<bos>', 3],
      ['hello', 1],
      ['<0x0A>', 6],
      ['<b>', 4],
    ]);
    const isIn = (text: string): boolean => controlTokens.find(text) !== null;
    expect(knowsControlTokens).toBe(true);
    expect(['a <bos> b', '<unk>', 'x<bos>'].map(isIn)).toEqual([true, true, true]);
    expect(['hello', '<0x0A>', '<b>', '<bos', 'bos>'].map(isIn)).toEqual([false, false, false, false, false]);
  });

  test('are the user-defined ones too of which the template makes its turns', () => {
    const tokens: [string, number][] = [
      ['<|im_start|>', 4],
      ['<|fim_prefix|>', 4],
      ['assistant', 4],
      ['  ', 4],
    ];
    const { controlTokens } = vocabulary(tokens, { template: '<|im_start|>assistant\n  {{ .Response }}' });
    expect(controlTokens.find('<|im_start|>')).not.toBeNull();
    expect(['<|fim_prefix|>', 'an assistant', 'a  b'].map((text) => controlTokens.find(text) !== null)).toEqual([
      false,
      false,
      false,
    ]);
  });

  test('are the ends of a turn, whatever their type', () => {
    const tokens: [string, number][] = [
      ['END', 1],
      ['TURN', 1],
      ['WORD', 1],
    ];
    const ends = { 'tokenizer.ggml.eos_token_id': 0, 'tokenizer.ggml.eot_token_id': 1 };
    const { controlTokens } = vocabulary(tokens, { model_info: ends });
    expect(['END', 'TURN', 'WORD'].map((text) => controlTokens.find(text) !== null)).toEqual([true, true, false]);
  });

  test.each([
    ['<|im_start|>{{ .Role }}<|im_end|>', ['<|im_start|>', '<|im_end|>']],
    ['<start_of_turn>user\n{{ .Prompt }}<end_of_turn>', ['<start_of_turn>', '<end_of_turn>']],
    ['[INST] {{ .Prompt }} [/INST]</s>', ['[INST]', '[/INST]', '</s>']],
    ['<｜User｜>{{ .Prompt }}<｜Assistant｜>', ['<｜User｜>', '<｜Assistant｜>']],
  ])('are those of the template where the server has no list: %s', (template, tokens) => {
    const { controlTokens, knowsControlTokens } = modelFacts({
      template,
      model_info: { 'tokenizer.ggml.tokens': null, 'tokenizer.ggml.token_type': null },
    });
    expect(knowsControlTokens).toBe(false);
    for (const token of tokens) expect(controlTokens.find(`a ${token} b`)).not.toBeNull();
    expect(controlTokens.find('{{ .Prompt }} user <|eot|>')).toBeNull();
  });
});

test.each([
  ['qwen35moe', true],
  ['lfm2', true],
  ['mllama', true],
  ['gemma3', false],
  ['qwen3', false],
  [null, false],
])('the family %s has one slot whatever the server is told: %s', (family, isOne) => {
  expect(hasOneSlot({ family })).toBe(isOne);
});
