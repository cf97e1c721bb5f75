import { Template } from '@huggingface/jinja';
import { describe, expect, test } from 'vitest';
import { templateFacts, tryTemplate } from '../../../src/backends/request/template-facts.ts';
import { type ThinkingEngine, withTemplateKeys } from '../../../src/backends/request/template-keys.ts';

/** A turn of ChatML for each message, without the thoughts of earlier answers. */
const turns = `{%- for message in messages -%}
{{- '<|im_start|>' + message.role + '\\n' + message.content.split('</think>')[-1] + '<|im_end|>\\n' -}}{%- endfor -%}`;
const plainTurns = turns.replace(".split('</think>')[-1]", '');
const head = `{{- '<|im_start|>assistant\\n' -}}`;

/** Templates as the families of models have them. */
const templates = {
  plain: plainTurns + head,
  qwen3: `${turns}${head}{%- if enable_thinking is defined and enable_thinking is false -%}{{- '<think>\\n\\n</think>\\n\\n' -}}{%- endif -%}`,
  deepseek31: `${turns}${head}{{- '<think>' if thinking else '</think>' -}}`,
  qwq: `${turns}${head}{{- '<think>\\n' -}}`,
  distill: turns + head,
  gptOss: `{{- 'Reasoning: ' + (reasoning_effort or 'medium') -}}${plainTurns}${head}`,
  seedOss: `{%- if thinking_budget is defined -%}{{- thinking_budget -}}{%- endif -%}${turns}${head}`,
  gemma2: `{%- if messages[0].role == 'system' -%}{{- raise_exception('System role not supported') -}}{%- endif -%}${plainTurns}${head}`,
  dropping: `{%- for message in messages if message.role != 'system' -%}{{- message.content -}}{%- endfor -%}`,
  broken: '{% bogus %}',
} as const;

const factsOf = (name: keyof typeof templates) =>
  templateFacts(
    tryTemplate(({ messages, kwargs }) =>
      new Template(templates[name]).render({ messages, add_generation_prompt: true, ...kwargs }),
    ),
  );

const user = { role: 'user', content: 'a' };

function keysFor(
  name: keyof typeof templates,
  changes: Record<string, unknown>,
  engine: Partial<ThinkingEngine> = {},
): unknown {
  const usual = { engine: 'e', fitting: [], budget: { problem: 'it counts none' }, schemaAdvice: null };
  const thinking = { ...usual, template: factsOf(name), ...engine };
  const {
    model: _model,
    messages: _messages,
    ...keys
  } = withTemplateKeys({ model: 'm', messages: [user], ...changes }, thinking);
  return keys;
}

const kwargs = (given: Record<string, unknown>) => ({ chat_template_kwargs: given });

test.each<[keyof typeof templates, object]>([
  ['plain', { switchWord: null, hasLevels: false, hasBudget: false, thoughts: 'unknown', systemProblem: null }],
  ['qwen3', { switchWord: 'enable_thinking', thoughts: 'known' }],
  ['deepseek31', { switchWord: 'thinking' }],
  ['qwq', { switchWord: null, thoughts: 'opened' }],
  ['distill', { switchWord: null, thoughts: 'known' }],
  ['gptOss', { switchWord: null, hasLevels: true }],
  ['seedOss', { hasBudget: true }],
  ['gemma2', { systemProblem: 'System role not supported' }],
  ['dropping', { systemProblem: 'it does not print one' }],
  ['broken', { switchWord: null, hasLevels: false, systemProblem: null }],
])('what the template %s can do shows in its prompts', (name, facts) => {
  expect(factsOf(name)).toMatchObject(facts);
});

describe('how to think', () => {
  test.each<[keyof typeof templates, unknown, Record<string, unknown>]>([
    ['qwen3', false, { enable_thinking: false }],
    ['qwen3', true, { enable_thinking: true }],
    ['deepseek31', false, { thinking: false }],
    ['gptOss', 'high', { reasoning_effort: 'high' }],
    ['gptOss', true, {}],
    ['seedOss', 512, { thinking_budget: 512 }],
    ['qwq', true, {}],
    ['plain', false, {}],
    ['distill', false, {}],
  ])('is said in the words of the template: %s, %j', (name, think, said) => {
    expect(keysFor(name, { think, temperature: 0 })).toEqual({ temperature: 0, ...kwargs(said) });
  });

  test('is the same under all of its names, and other keys of a template stay', () => {
    const given = { enable_thinking: false, documents: [] };
    expect(keysFor('deepseek31', kwargs(given))).toEqual(kwargs({ thinking: false, documents: [] }));
    expect(keysFor('deepseek31', { reasoning_effort: 'none' })).toEqual(kwargs({ thinking: false }));
    expect(keysFor('deepseek31', kwargs({ documents: [] }))).toEqual(kwargs({ documents: [] }));
  });

  test.each<[keyof typeof templates, unknown, string]>([
    ['plain', true, 'knows nothing of thinking'],
    ['plain', 'low', 'knows nothing of thinking'],
    ['qwen3', 'low', 'knows no levels'],
    ['qwen3', 500, 'it counts none'],
    ['qwq', false, 'begins every answer with a thought'],
    ['gptOss', false, 'knows low, medium and high alone'],
  ])('is refused by name where it would change nothing: %s, %j', (name, think, reason) => {
    expect(() => keysFor(name, { think })).toThrow(reason);
    expect(() => keysFor(name, { think })).toThrow("e can't honour `think`");
  });

  test('is one of the known levels, for it becomes a part of the prompt', () => {
    expect(() => keysFor('gptOss', kwargs({ reasoning_effort: '<|im_end|>' }))).toThrow('it is one of');
  });

  test('is a number of tokens for an engine that has a key for it', () => {
    expect(keysFor('qwen3', { think: 500 }, { budget: { key: 'tokens' } })).toEqual({
      tokens: 500,
      ...kwargs({ enable_thinking: true }),
    });
  });

  test('is refused where a schema leaves no room for thoughts', () => {
    const held = { think: true, response_format: { type: 'json_object' } };
    expect(() => keysFor('qwen3', held, { schemaAdvice: 'leave it out' })).toThrow(
      'no room for thinking: leave it out',
    );
    expect(keysFor('qwen3', held)).toMatchObject(kwargs({ enable_thinking: true }));
    expect(keysFor('qwen3', { ...held, think: false }, { schemaAdvice: 'leave it out' })).toMatchObject(
      kwargs({ enable_thinking: false }),
    );
  });
});

test('a system message is refused where the template has no place for it, with a template that has', () => {
  const messages = [{ role: 'developer', content: 'b' }, user];
  for (const name of ['gemma2', 'dropping'] as const) {
    expect(keysFor(name, {})).toEqual({});
    expect(() => keysFor(name, { messages }, { fitting: ['gemma'] })).toThrow('--chat-template gemma, which fits');
  }
  expect(keysFor('plain', { messages })).toEqual({});
});
