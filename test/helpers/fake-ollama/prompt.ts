import type { Message } from './answer.ts';
import { refuseLate, tooLong } from './refusal.ts';
import type { GenerateRequest } from './request.ts';
import { beginOfText, tokenize } from './vocabulary.ts';

export interface Prompt {
  tokens: number[];
  messages: Message[];
  /** The front was cut off. */
  cut: boolean;
}

export interface PromptRules {
  /** False: an old server, which cuts whatever the request says. */
  honoursTruncate: boolean;
  /** The model's own chat template: too long is an error even where truncation is on. */
  nativeTemplate: boolean;
}

export const renderChat = (messages: Message[]): string =>
  `${messages.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`).join('')}<|im_start|>assistant\n`;

const encode = (messages: Message[]): number[] => [beginOfText, ...tokenize(renderChat(messages))];

/** The prompt as it goes to the model, cut where it is too long and may be cut; else a refusal. */
export function preparePrompt(request: GenerateRequest, rules: PromptRules): Prompt {
  const { numCtx, shift } = request.wanted.options;
  const whole = encode(request.messages);
  const truncate = (request.truncate || !rules.honoursTruncate) && !rules.nativeTemplate;
  if (!truncate) {
    if (whole.length >= numCtx) throw tooLong(whole.length, numCtx);
    return { tokens: whole, messages: request.messages, cut: false };
  }
  const messages = dropOldest(request.messages, numCtx);
  const tokens = encode(messages);
  if (tokens.length < numCtx) return { tokens, messages, cut: false };
  if (!shift) throw refuseLate(400, tooLongWithoutShift);
  return { tokens: cutFront(tokens, request.numKeep + 1, numCtx), messages, cut: true };
}

const tooLongWithoutShift =
  'the prompt is longer than the context length currently available to the model; shorten the prompt, adjust the context length in settings, or use a model with a longer context length';

/** Whole messages go first, the oldest before the others; system messages and the last one stay. */
function dropOldest(messages: Message[], numCtx: number): Message[] {
  for (let from = 0; from < messages.length; from++) {
    const system = messages.slice(0, from).filter(({ role }) => role === 'system');
    const kept = [...system, ...messages.slice(from)];
    if (from === messages.length - 1 || encode(kept).length <= numCtx) return kept;
  }
  return messages;
}

/** Keeps the first `keep` tokens and about half the window: num_ctx / 2 + 3 with the default num_keep. */
function cutFront(tokens: number[], keep: number, numCtx: number): number[] {
  const kept = Math.min(keep, numCtx - 1);
  const limit = numCtx - Math.max(Math.trunc((numCtx - kept) / 2), 1);
  return [...tokens.slice(0, kept), ...tokens.slice(tokens.length - limit + kept)];
}
