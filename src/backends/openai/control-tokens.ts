import { type ChatMessage, type RequestBody, textOf } from '../../core/request.ts';
import { createControlTokens, templateTokens } from '../request/control-tokens.ts';

/**
 * What the models of today use for turns, documents and tools, since such a server lists no control tokens: ChatML, Llama,
 * Phi, GLM, gpt-oss (`<|...|>`), DeepSeek (`<｜...｜>`), Gemma, Mistral, Llama 2, EXAONE, Cohere, Seed. Both `vllm serve` and
 * `llama-server` read them in a message's text as their tokenizer does.
 */
const markup =
  /<[|｜][^<>|｜\s]{1,60}[|｜]?>|<[^<>|｜\s]{1,60}[|｜]>|<\/?s>|<\/?(start|end)_of_[a-z]+>|<(bos|eos|BOS_TOKEN|EOS_TOKEN|sop|eop)>|<<\/?SYS>>|\[\/?(INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_[A-Z]+|IMG(_[A-Z]+)?|THINK|ARGS|CALL_ID|MODEL_SETTINGS|CLS|SEP)\]|\[gMASK\]|\[\|[a-z_]+\|\]|<seed:[a-z_:]+>/u;

/** Would the server read a part of this text as a control token? `template`: the model's own, where the server tells it. */
export function createTokenCheck(template: string): (text: string) => boolean {
  const { isIn } = createControlTokens(templateTokens(template));
  return (text) => markup.test(text) || isIn(text);
}

/** Every text of a body that goes into the prompt. */
export function promptTexts(body: RequestBody): string[] {
  const { messages = [], prompt, input } = body;
  const others = [prompt, input].flat().filter((text) => typeof text === 'string');
  const given = templateKeys.map((key) => body[key]).filter((value) => value !== undefined);
  return [...messages.flatMap(messageTexts), ...others, ...given.map((value) => JSON.stringify(value))];
}

/** What a chat template is given beside the messages: it may write any text in there, and the names of fields. */
const templateKeys = ['tools', 'functions', 'documents', 'chat_template_kwargs'];

/** Parts that are not text (images) are no part of it; what else a message has, such as tool calls, is. */
function messageTexts({ role: _role, content, ...others }: ChatMessage): string[] {
  const rest = Object.values(others).filter((value) => value !== null && value !== undefined);
  return [textOf(content ?? null), ...rest.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))];
}
