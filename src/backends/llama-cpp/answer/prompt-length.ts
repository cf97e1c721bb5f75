import { promptTooLong } from '../../request/window-texts.ts';
import type { LlamaModel } from 'node-llama-cpp';
import type { EngineError } from '../../../core/errors.ts';
import type { RequestBody } from '../../../core/request.ts';
import type { ModelInfo } from '../options.ts';
import { readMessages } from './read-messages.ts';
import { refuse } from '../../request/refuse.ts';

type Limits = Pick<ModelInfo, 'contextTokens' | 'trainedTokens'>;

/** No vocabulary that we know has a longer token (128 spaces, for one): so many bytes are one token at least. */
const maxTokenBytes = 256;
/** The engine needs the square of a text's length to tokenize it (100 KB: 2 s), so a long one is counted in slices. */
const sliceLength = 4096;
/** Tokens reserved for an answer whose request sets no limit. */
const usualAnswerTokens = 512;

/** Refuses a prompt that can't fit by its bytes alone, before anything is done with it that takes time. */
export function checkPromptBytes({ messages, prompt, input }: RequestBody, limits: Limits): void {
  const bytes = Array.isArray(input) ? Math.max(...input.map(textBytes)) : textBytes(messages ?? prompt ?? input);
  const tokens = Math.ceil(bytes / maxTokenBytes);
  if (tokens <= limits.contextTokens) return;
  // A part that is no text, such as an image, is refused by its own message.
  if (messages !== undefined) readMessages(messages);
  throw tooLong({ tokens, precision: 'at least' }, Infinity, limits);
}

/** Refuses a rendered prompt that has far too many tokens, before it is tokenized as a whole. */
export function checkPromptText(
  text: string,
  { model, maxTokens, limits }: { model: LlamaModel; maxTokens: number | null; limits: Limits },
): void {
  if (text.length <= 4 * limits.contextTokens) return;
  // The slices cut tokens in two: their sum is a little too high, and never twice.
  const hopeless = 2 * limits.trainedTokens;
  const tokens = countInSlices(model, text, hopeless);
  if (tokens >= hopeless) throw tooLong({ tokens: limits.trainedTokens, precision: 'at least' }, Infinity, limits);
  if (tokens >= 2 * limits.contextTokens)
    throw tooLong({ tokens, precision: 'about' }, tokens + (maxTokens ?? usualAnswerTokens), limits);
}

/** Refuses a prompt that leaves no token for the answer. */
export function checkPromptTokens(tokens: number, maxTokens: number | null, limits: Limits): void {
  if (tokens < limits.contextTokens) return;
  throw tooLong({ tokens }, tokens + (maxTokens ?? usualAnswerTokens), limits);
}

/** The next thing to do for a request that needs so many tokens. */
export function moreContext(wantedTokens: number, { contextTokens, trainedTokens }: Limits): string {
  const rounded = Math.ceil(wantedTokens / 1024) * 1024;
  if (rounded <= trainedTokens) return `--option context_size=${rounded} would do`;
  if (contextTokens >= trainedTokens) return 'shorten it, the model was trained on no more';
  return `shorten it, the model was trained on ${trainedTokens} (--option context_size=${trainedTokens} at most)`;
}

function tooLong(
  { tokens, precision }: { tokens: number; precision?: string },
  wantedTokens: number,
  limits: Limits,
): EngineError {
  const { contextTokens } = limits;
  const advice = moreContext(wantedTokens, limits);
  const size = { promptTokens: tokens, ...(precision === undefined ? {} : { precision }) };
  return refuse('context-too-long', promptTooLong({ ...size, contextTokens, advice }));
}

/** UTF-8 bytes of every text in a value. */
function textBytes(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value !== 'object' || value === null) return 0;
  let bytes = 0;
  for (const item of Object.values(value)) bytes += textBytes(item);
  return bytes;
}

/** Counts on until `enough` is reached. */
function countInSlices(model: LlamaModel, text: string, enough: number): number {
  let tokens = 0;
  for (let start = 0; start < text.length && tokens < enough; start += sliceLength)
    tokens += model.tokenize(text.slice(start, start + sliceLength), true).length;
  return tokens;
}
