import { Template } from '@huggingface/jinja';
import { describe, expect, test } from 'vitest';
import { fittingTemplates, namedTemplates, templateNames } from '../../src/core/chat-templates/named-templates.ts';

const system = { role: 'system', content: 'Be brief.' };
const chat = [
  { role: 'user', content: 'Hello' },
  { role: 'assistant', content: 'Hi there' },
  { role: 'user', content: 'Who are you' },
];

const render = (name: string, messages: object[], generates = true): string =>
  new Template(namedTemplates[name] ?? '').render({
    messages,
    add_generation_prompt: generates,
    bos_token: '<s>',
    eos_token: '</s>',
    tools: null,
  });

/** The conversation as the authors of each model write it in its card or its reference code. */
const golden: Record<string, string> = {
  alpaca:
    '<s>Be brief.\n\n### Instruction:\nHello\n\n### Response:Hi there</s>\n\n### Instruction:\nWho are you\n\n### Response:',
  chatml:
    '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi there<|im_end|>\n<|im_start|>user\nWho are you<|im_end|>\n<|im_start|>assistant\n',
  deepseek3:
    '<s>Be brief.<｜User｜>Hello<｜Assistant｜>Hi there<｜end▁of▁sentence｜><｜User｜>Who are you<｜Assistant｜>',
  gemma:
    '<s><start_of_turn>user\nBe brief.\n\nHello<end_of_turn>\n<start_of_turn>model\nHi there<end_of_turn>\n<start_of_turn>user\nWho are you<end_of_turn>\n<start_of_turn>model\n',
  llama2: '<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHello [/INST] Hi there </s><s>[INST] Who are you [/INST]',
  llama3:
    '<s><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nHi there<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nWho are you<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n',
  'mistral-v3': '<s>[INST] Hello[/INST] Hi there</s>[INST] Be brief.\n\nWho are you[/INST]',
  'mistral-v3-tekken': '<s>[INST]Hello[/INST]Hi there</s>[INST]Be brief.\n\nWho are you[/INST]',
  'mistral-v7': '<s>[SYSTEM_PROMPT] Be brief.[/SYSTEM_PROMPT][INST] Hello[/INST] Hi there</s>[INST] Who are you[/INST]',
  'mistral-v7-tekken':
    '<s>[SYSTEM_PROMPT]Be brief.[/SYSTEM_PROMPT][INST]Hello[/INST]Hi there</s>[INST]Who are you[/INST]',
  phi3: '<|system|>\nBe brief.<|end|>\n<|user|>\nHello<|end|>\n<|assistant|>\nHi there<|end|>\n<|user|>\nWho are you<|end|>\n<|assistant|>\n',
  phi4: '<|im_start|>system<|im_sep|>Be brief.<|im_end|><|im_start|>user<|im_sep|>Hello<|im_end|><|im_start|>assistant<|im_sep|>Hi there<|im_end|><|im_start|>user<|im_sep|>Who are you<|im_end|><|im_start|>assistant<|im_sep|>',
  'qwen2.5':
    '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi there<|im_end|>\n<|im_start|>user\nWho are you<|im_end|>\n<|im_start|>assistant\n',
  vicuna: '<s>Be brief. USER: Hello ASSISTANT: Hi there</s>USER: Who are you ASSISTANT:',
  zephyr:
    '<|system|>\nBe brief.</s>\n<|user|>\nHello</s>\n<|assistant|>\nHi there</s>\n<|user|>\nWho are you</s>\n<|assistant|>\n',
};

describe('a common chat template', () => {
  test('is tried here, each one', () => {
    expect(Object.keys(golden)).toEqual(templateNames);
  });

  test.each(templateNames)('%s writes a conversation as its models know it', (name) => {
    expect(render(name, [system, ...chat])).toBe(golden[name]);
  });

  test.each(templateNames)('%s writes each text once, and no head behind an answer', (name) => {
    const texts = ['aaa', 'bbb', 'ccc', 'ddd'];
    const roles = ['system', 'user', 'assistant', 'user'];
    const messages = roles.map((role, index) => ({ role, content: texts[index] }));
    for (const text of texts) expect(render(name, messages).split(text)).toHaveLength(2);
    const closed = render(name, [system, ...chat.slice(0, 2)], false);
    expect(closed.slice(closed.indexOf('Hi there'))).toMatch(/^Hi there *(?:<[^\n]*>)?\s*$/);
    expect(render(name, [chat[0]!])).toContain('Hello');
    expect(render(name, [chat[0]!])).not.toContain('Be brief.');
  });

  test.each(templateNames)('%s refuses what it has no place for', (name) => {
    const call = { role: 'assistant', content: '', tool_calls: [{ function: { name: 'f', arguments: {} } }] };
    expect(() => render(name, [chat[0]!, call])).toThrow('tool calls');
    expect(() => render(name, [chat[0]!, { role: 'tool', content: 'x' }])).toThrow();
  });

  test.each(['gemma', 'llama2', 'mistral-v3'])('%s refuses turns that its models never saw', (name) => {
    for (const messages of [[system], [system, system, ...chat], [chat[0]!, chat[0]!], [chat[1]!]])
      expect(() => render(name, messages)).toThrow();
  });
});

test.each([
  [['<start_of_turn>', '<end_of_turn>', '<bos>'], ['gemma']],
  [
    ['<|im_start|>', '<|im_end|>'],
    ['chatml', 'qwen2.5'],
  ],
  [['<|im_start|>', '<|im_end|>', '<|im_sep|>'], ['phi4']],
  [
    ['[INST]', '[/INST]'],
    ['mistral-v3', 'mistral-v3-tekken'],
  ],
  [['<s>', '</s>'], []],
])('tokens %j are those of %j', (tokens, names) => {
  expect(fittingTemplates(new Set(tokens))).toEqual(names);
});
