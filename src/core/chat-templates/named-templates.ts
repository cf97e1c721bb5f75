import { fillUserTurns, writeByRole } from './jinja-forms.ts';

const bos = '{{- bos_token -}}';

const chatml = {
  system: String.raw`'<|im_start|>system\n' + text + '<|im_end|>\n'`,
  user: String.raw`'<|im_start|>user\n' + text + '<|im_end|>\n'`,
  assistant: String.raw`'<|im_start|>assistant\n' + text + '<|im_end|>\n'`,
  head: String.raw`'<|im_start|>assistant\n'`,
};

/**
 * The common chat templates that `--chat-template` knows by name, as Jinja: each writes a system prompt and the turns of
 * a chat as the model's authors document it, and raises where it has no place for a message. No tools.
 */
export const namedTemplates: Readonly<Record<string, string>> = {
  alpaca: writeByRole({
    system: String.raw`text + '\n\n'`,
    user: String.raw`'### Instruction:\n' + text + '\n\n'`,
    assistant: String.raw`'### Response:' + text + eos_token + '\n\n'`,
    head: `'### Response:'`,
    start: bos,
    defaultSystem:
      'Below is an instruction that describes a task. Write a response that appropriately completes the request.',
  }),
  chatml: writeByRole(chatml),
  deepseek3: writeByRole({
    system: 'text',
    user: `'<｜User｜>' + text`,
    assistant: `'<｜Assistant｜>' + text + '<｜end▁of▁sentence｜>'`,
    head: `'<｜Assistant｜>'`,
    start: bos,
  }),
  gemma: fillUserTurns({
    system: String.raw`system + '\n\n' + (text | trim)`,
    user: String.raw`'<start_of_turn>user\n' + (text | trim) + '<end_of_turn>\n'`,
    assistant: String.raw`'<start_of_turn>model\n' + (text | trim) + '<end_of_turn>\n'`,
    head: String.raw`'<start_of_turn>model\n'`,
    start: bos,
  }),
  llama2: fillUserTurns({
    system: String.raw`'<<SYS>>\n' + system + '\n<</SYS>>\n\n' + text`,
    user: `bos_token + '[INST] ' + (text | trim) + ' [/INST]'`,
    assistant: `' ' + (text | trim) + ' ' + eos_token`,
  }),
  llama3: writeByRole({
    system: String.raw`'<|start_header_id|>system<|end_header_id|>\n\n' + (text | trim) + '<|eot_id|>'`,
    user: String.raw`'<|start_header_id|>user<|end_header_id|>\n\n' + (text | trim) + '<|eot_id|>'`,
    assistant: String.raw`'<|start_header_id|>assistant<|end_header_id|>\n\n' + (text | trim) + '<|eot_id|>'`,
    head: String.raw`'<|start_header_id|>assistant<|end_header_id|>\n\n'`,
    start: bos,
  }),
  'mistral-v3': fillUserTurns({
    system: String.raw`system + '\n\n' + text`,
    user: `'[INST] ' + text + '[/INST]'`,
    assistant: `' ' + (text | trim) + eos_token`,
    start: bos,
    isSystemLast: true,
  }),
  'mistral-v3-tekken': fillUserTurns({
    system: String.raw`system + '\n\n' + text`,
    user: `'[INST]' + text + '[/INST]'`,
    assistant: 'text + eos_token',
    start: bos,
    isSystemLast: true,
  }),
  'mistral-v7': writeByRole({
    system: `'[SYSTEM_PROMPT] ' + text + '[/SYSTEM_PROMPT]'`,
    user: `'[INST] ' + text + '[/INST]'`,
    assistant: `' ' + text + eos_token`,
    start: bos,
  }),
  'mistral-v7-tekken': writeByRole({
    system: `'[SYSTEM_PROMPT]' + text + '[/SYSTEM_PROMPT]'`,
    user: `'[INST]' + text + '[/INST]'`,
    assistant: 'text + eos_token',
    start: bos,
  }),
  phi3: writeByRole({
    system: String.raw`'<|system|>\n' + text + '<|end|>\n'`,
    user: String.raw`'<|user|>\n' + text + '<|end|>\n'`,
    assistant: String.raw`'<|assistant|>\n' + text + '<|end|>\n'`,
    head: String.raw`'<|assistant|>\n'`,
  }),
  phi4: writeByRole({
    system: `'<|im_start|>system<|im_sep|>' + text + '<|im_end|>'`,
    user: `'<|im_start|>user<|im_sep|>' + text + '<|im_end|>'`,
    assistant: `'<|im_start|>assistant<|im_sep|>' + text + '<|im_end|>'`,
    head: `'<|im_start|>assistant<|im_sep|>'`,
  }),
  'qwen2.5': writeByRole({
    ...chatml,
    defaultSystem: 'You are Qwen, created by Alibaba Cloud. You are a helpful assistant.',
  }),
  vicuna: writeByRole({
    system: `text + ' '`,
    user: `'USER: ' + text + ' '`,
    assistant: `'ASSISTANT: ' + text + eos_token`,
    head: `'ASSISTANT:'`,
    start: bos,
    defaultSystem:
      "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, and polite answers to the user's questions.",
  }),
  zephyr: writeByRole({
    system: String.raw`'<|system|>\n' + text + eos_token + '\n'`,
    user: String.raw`'<|user|>\n' + text + eos_token + '\n'`,
    assistant: String.raw`'<|assistant|>\n' + text + eos_token + '\n'`,
    head: String.raw`'<|assistant|>\n'`,
  }),
};

export const templateNames: readonly string[] = Object.keys(namedTemplates);

/** The name of a template that is one of these; else its text. */
export const nameOfTemplate = (text: unknown): unknown =>
  templateNames.find((name) => namedTemplates[name] === text) ?? text;

/** What a tokenizer may know as one token. */
const markup = /<[|｜][^<>{}' ]+[|｜]>|<(?:start|end)_of_turn>|<<SYS>>|\[\/?[A-Z_]+\]/gu;

/**
 * Names of the templates that may be the model's, by the texts of its control tokens: all their markup is among these, and
 * no other template has more of it. Markup that is plain text to the model shows nothing.
 */
export function fittingTemplates(controlTokens: ReadonlySet<string>): string[] {
  const sized = templateNames.map((name) => ({ name, tokens: new Set(namedTemplates[name]?.match(markup)) }));
  const fitting = sized.filter(({ tokens }) => [...tokens].every((token) => controlTokens.has(token)));
  const most = Math.max(1, ...fitting.map(({ tokens }) => tokens.size));
  return fitting.filter(({ tokens }) => tokens.size === most).map(({ name }) => name);
}
