import type { Message } from './answer.ts';
import { refuseLate, refuseNested } from './refusal.ts';
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
  /** The template leaves a last message of the assistant's open, to be continued. */
  opensLastAnswer: boolean;
  /** Hears what llama-server says of a prompt that is too long. */
  onRefused?: (message: string) => void;
}

/** The count that a prompt cut to half the window shows. */
export const cutCount = (numCtx: number): number =>
  cutFront(
    Array.from({ length: numCtx }, () => 0),
    numCtx,
    5,
  ).length;

export function renderChat(messages: Message[], opensLastAnswer: boolean): string {
  const turns = messages.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`).join('');
  const isOpen = opensLastAnswer && messages.at(-1)?.role === 'assistant';
  return isOpen ? turns.slice(0, -'<|im_end|>\n'.length) : `${turns}<|im_start|>assistant\n`;
}

const rendererOf =
  ({ raw }: GenerateRequest, { opensLastAnswer }: PromptRules) =>
  (messages: Message[]): string =>
    raw ? messages.map(({ content }) => content).join('') : renderChat(messages, opensLastAnswer);

const encode = (text: string): number[] => [beginOfText, ...tokenize(text)];

/** The prompt as it goes to the model, cut where it is too long and may be cut; else a refusal. */
export function preparePrompt(request: GenerateRequest, rules: PromptRules): Prompt {
  const { numCtx, shift } = request.wanted.options;
  const truncate = (request.truncate || !rules.honoursTruncate) && !rules.nativeTemplate;
  const messages = truncate ? dropOldest(request, rules) : request.messages;
  const render = rendererOf(request, rules);
  const text = render(messages);
  const tokens = encode(text);
  if (tokens.length < numCtx) return { tokens, messages, cut: false };
  // A text with fewer bytes than the window has tokens is taken to fit.
  if (!truncate || Buffer.byteLength(text) < numCtx) {
    const message = `request (${tokens.length} tokens) exceeds the available context size (${numCtx} tokens), try increasing it`;
    rules.onRefused?.(message);
    throw refuseNested(message, 'exceed_context_size_error', { n_prompt_tokens: tokens.length, n_ctx: numCtx });
  }
  if (!shift) throw refuseLate(400, tooLongWithoutShift);
  return { tokens: cutFront(tokens, numCtx, request.numKeep + 1), messages, cut: true };
}

const tooLongWithoutShift =
  'the prompt is longer than the context length currently available to the model; shorten the prompt, adjust the context length in settings, or use a model with a longer context length';

/** Whole messages go first, the oldest before the others; system messages and the last one stay. */
function dropOldest(request: GenerateRequest, rules: PromptRules): Message[] {
  const { messages, wanted } = request;
  const render = rendererOf(request, rules);
  for (let from = 0; from < messages.length; from++) {
    const system = messages.slice(0, from).filter(({ role }) => role === 'system');
    const kept = [...system, ...messages.slice(from)];
    if (from === messages.length - 1 || tokenize(render(kept)).length <= wanted.options.numCtx) return kept;
  }
  return messages;
}

/** Keeps the first `keep` tokens and about half the window: num_ctx / 2 + 3 with the default num_keep. */
function cutFront(tokens: number[], numCtx: number, keep: number): number[] {
  const kept = Math.min(keep, numCtx - 1);
  const limit = numCtx - Math.max(Math.trunc((numCtx - kept) / 2), 1);
  return [...tokens.slice(0, kept), ...tokens.slice(tokens.length - limit + kept)];
}
