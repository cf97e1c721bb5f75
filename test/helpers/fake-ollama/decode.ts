import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { AnswerPart, AnswerWriter, Decoded } from './answer-writer.ts';
import { type AnswerFault, staleError } from './faults.ts';
import type { GenerateRequest } from './request.ts';
import { refuseLate } from './refusal.ts';
import type { Runner } from './runner.ts';
import { bytesOf, endOfTurn } from './vocabulary.ts';

export interface Decoding {
  request: GenerateRequest;
  runner: Runner;
  writer: AnswerWriter;
  fault: AnswerFault | null;
  tokenMs: number;
  signal: AbortSignal;
}

export interface Output {
  thinking: number[];
  content: number[];
}

/** More equal tokens than this in a row, and the server says nothing more. */
const repeatLimit = 30;
/** A fault comes before this token, or before the end of turn where the answer is shorter. */
const faultAt = 3;

/** Says an answer token by token. Null where it ends without a last line. */
export async function decode(output: Output, most: number, decoding: Decoding): Promise<Decoded | null> {
  const { request, writer } = decoding;
  const tokens = [...output.thinking, ...output.content, endOfTurn];
  const said: number[] = [];
  const speaker = createSpeaker(request, writer);
  for (const [index, token] of tokens.entries()) {
    if (index >= most) {
      speaker.flush();
      return { doneReason: 'length', evalCount: index, said };
    }
    await pause(decoding.tokenMs, decoding);
    if (index === Math.min(faultAt, tokens.length - 1) && (await strike(decoding)) === 'end') return null;
    if (token === endOfTurn) break;
    said.push(token);
    const state = speaker.say(token, index < output.thinking.length ? 'thinking' : 'content');
    if (state === 'repeats') return null;
    if (state === 'stopped') return { doneReason: 'stop', evalCount: index + 1, said };
  }
  speaker.flush();
  return { doneReason: 'stop', evalCount: tokens.length, said };
}

/** Waits, as long as there is a client to wait for and a process that works. */
export async function pause(
  milliseconds: number,
  { signal, runner }: Pick<Decoding, 'signal' | 'runner'>,
): Promise<void> {
  if (milliseconds > 0) {
    const either = AbortSignal.any([signal, runner.died]);
    await sleep(milliseconds, undefined, { signal: either }).catch(() => {});
  } else await nextTurn();
  signal.throwIfAborted();
  if (runner.died.aborted) throw runnerDied(runner);
}

export const runnerDied = ({ errors }: Runner): Error =>
  refuseLate(500, `an error was encountered while running the model: ${errors || 'unexpected EOF'}`);

/** Lets a fault happen; 'end' where nothing more is said. */
async function strike({ fault, runner, writer, signal }: Decoding): Promise<'end' | 'go on'> {
  switch (fault) {
    case 'runner-killed':
    case 'stale-text':
      if (fault === 'stale-text') runner.logError(staleError);
      runner.kill();
      throw runnerDied(runner);
    case 'done-false':
      writer.part({ kind: 'content', text: '', tokens: [] });
      return 'end';
    case 'no-done-plain':
      return 'end';
    case 'garbled':
      writer.garble();
      break;
    case 'reset':
    case 'closed':
      writer.breakOff(fault);
      return 'end';
    case 'stall':
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      signal.throwIfAborted();
      return 'end';
    case 'stale-text-early':
    case 'no-done':
    case 'cut-prompt':
    case null:
  }
  return 'go on';
}

/** Turns tokens into the texts of lines: holds back what may be a stop word, or is half a character. */
function createSpeaker({ stop }: GenerateRequest, writer: AnswerWriter) {
  const decoder = new TextDecoder();
  const held: AnswerPart = { kind: 'content', text: '', tokens: [] };
  const seen = { last: '', repeats: 0 };

  const flush = (): void => {
    if (held.text !== '') writer.part({ ...held });
    Object.assign(held, { text: '', tokens: [] });
  };

  return {
    flush,
    say(token: number, kind: AnswerPart['kind']): 'goes on' | 'stopped' | 'repeats' {
      if (kind !== held.kind) flush();
      held.kind = kind;
      held.text += decoder.decode(bytesOf(token), { stream: true });
      held.tokens = [...held.tokens, token];
      const place = firstOf(held.text, stop);
      if (place !== null) {
        held.text = held.text.slice(0, place);
        flush();
        return 'stopped';
      }
      if (held.text === '' || endsLikeOneOf(held.text, stop)) return 'goes on';
      const text = held.text.trim();
      seen.repeats = text === seen.last ? seen.repeats + 1 : 0;
      seen.last = text;
      if (seen.repeats > repeatLimit) return 'repeats';
      flush();
      return 'goes on';
    },
  };
}

function firstOf(text: string, words: string[]): number | null {
  const paths = words.map((word) => text.indexOf(word)).filter((place) => place >= 0);
  return paths.length === 0 ? null : Math.min(...paths);
}

/** Whether the text ends with the beginning of one of the words. */
function endsLikeOneOf(text: string, words: string[]): boolean {
  return words.some((word) => {
    for (let length = Math.min(word.length - 1, text.length); length > 0; length--) {
      if (text.endsWith(word.slice(0, length))) return true;
    }
    return false;
  });
}
