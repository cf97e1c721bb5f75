import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { answerTo, answerToCutPrompt } from './answer.ts';
import { refuseLate } from './refusal.ts';
import { type Prompt, type PromptRules, preparePrompt } from './prompt.ts';
import { type GenerateRequest, checkFormat } from './request.ts';
import type { Runner } from './runner.ts';
import { bytesOf, endOfTurn, tokenize } from './vocabulary.ts';

export interface Generated {
  doneReason: 'stop' | 'length';
  prompt: Prompt;
  cached: number;
  /** The tokens of the answer without the end of turn. */
  answer: number[];
  evalCount: number;
  promptEvalNs: number;
  evalNs: number;
}

export interface GenerateSettings extends PromptRules {
  tokenMs: number;
  promptTokenMs: number;
}

/** More equal tokens than this in a row, and the server says nothing more. */
const repeatLimit = 30;

/** Answers a request on a runner. Resolves to null where the repeat guard ended the answer. */
export async function generate(
  request: GenerateRequest,
  runner: Runner,
  { settings, signal, onPiece }: { settings: GenerateSettings; signal: AbortSignal; onPiece: (text: string) => void },
): Promise<Generated | null> {
  await runner.line.enter(signal);
  try {
    checkFormat(request.format);
    const prompt = preparePrompt(request, settings);
    const slot = runner.takeSlot(prompt.tokens);
    const answer: number[] = [];
    try {
      const begin = process.hrtime.bigint();
      await pause((prompt.tokens.length - slot.cached) * settings.promptTokenMs);
      const first = process.hrtime.bigint();
      const end = await decode(request, prompt, answer);
      const last = process.hrtime.bigint();
      if (end === null) return null;
      return {
        ...end,
        prompt,
        answer,
        cached: slot.cached,
        promptEvalNs: microseconds(begin, first),
        evalNs: microseconds(first, last),
      };
    } finally {
      slot.free([...prompt.tokens, ...answer]);
    }
  } finally {
    runner.line.leave();
  }

  async function pause(milliseconds: number): Promise<void> {
    if (milliseconds > 0) await sleep(milliseconds, undefined, { signal: AbortSignal.any([signal, runner.died]) });
    else await nextTurn();
    signal.throwIfAborted();
    if (runner.died.aborted) throw runnerDied(runner);
  }

  async function decode(
    { numPredict, stop, format }: GenerateRequest,
    prompt: Prompt,
    answer: number[],
  ): Promise<{ doneReason: 'stop' | 'length'; evalCount: number } | null> {
    const tokens = [...answerTokens(prompt, format), endOfTurn];
    const room = runner.options.shift ? Number.POSITIVE_INFINITY : runner.options.numCtx - prompt.tokens.length;
    const limit = Math.min(numPredict < 0 ? 10 * runner.options.numCtx : numPredict, room);
    const text = new TextDecoder();
    let held = '';
    let last = '';
    let repeats = 0;
    for (const [index, token] of tokens.entries()) {
      if (index >= limit) {
        if (held !== '') onPiece(held);
        return { doneReason: 'length', evalCount: index };
      }
      await pause(settings.tokenMs);
      if (token === endOfTurn) break;
      answer.push(token);
      const tail = held + text.decode(bytesOf(token), { stream: true });
      const found = firstOf(tail, stop);
      if (found !== null) {
        if (found > 0) onPiece(tail.slice(0, found));
        return { doneReason: 'stop', evalCount: index + 1 };
      }
      const begun = beginningOf(tail, stop);
      held = tail.slice(tail.length - begun);
      const piece = tail.slice(0, tail.length - begun);
      if (piece === '') continue;
      repeats = piece.trim() === last ? repeats + 1 : 0;
      last = piece.trim();
      if (repeats > repeatLimit) return null;
      onPiece(piece);
    }
    if (held !== '') onPiece(held);
    return { doneReason: 'stop', evalCount: tokens.length };
  }
}

function answerTokens(prompt: Prompt, format: unknown): number[] {
  const question = prompt.messages.findLast(({ role }) => role === 'user')?.content ?? '';
  return tokenize(prompt.cut ? answerToCutPrompt(question) : answerTo(prompt.messages, format));
}

/** The running request hears it in its stream; without a stream it is a plain 500. */
const runnerDied = ({ staleText }: Runner): Error =>
  refuseLate(
    500,
    `an error was encountered while running the model: ${staleText === '' ? 'unexpected EOF' : staleText}`,
  );

function firstOf(text: string, stop: string[]): number | null {
  const places = stop.map((word) => text.indexOf(word)).filter((place) => place >= 0);
  return places.length === 0 ? null : Math.min(...places);
}

/** How many characters at the end may be the beginning of a stop sequence: they are held back. */
function beginningOf(text: string, stop: string[]): number {
  let longest = 0;
  for (const word of stop) {
    for (let length = Math.min(word.length - 1, text.length); length > longest; length--) {
      if (text.endsWith(word.slice(0, length))) longest = length;
    }
  }
  return longest;
}

/** llama-server measures in microseconds; never nothing. */
const microseconds = (from: bigint, to: bigint): number => Math.max(1, Number((to - from) / 1000n)) * 1000;
