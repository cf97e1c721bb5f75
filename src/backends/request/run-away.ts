import { formKeys } from '../../core/answer-format.ts';
import { type Failure, failure } from '../../core/completion.ts';
import type { RequestBody } from '../../core/request.ts';
import { isRecord } from '../../data/is-record.ts';
import { formatCounted, formatInteger } from '../../text/format.ts';
import { type Repetition, createTextWatch } from './repetition.ts';

/**
 * Watches an answer that comes as pieces of text; to be called with each. Returns the failure of an answer that repeats
 * itself without end: who reads the stream then lets go of it, so that the engine stops. `isAllowed`: it never does.
 */
export function createRunAwayWatch(body: RequestBody, isAllowed: boolean): (piece: string) => Failure | null {
  if (isAllowed) return () => null;
  const watch = createTextWatch(hasGrammar(body));
  let pieces = 0;
  return (piece) => {
    if (piece !== '') pieces++;
    const repetition = piece === '' ? null : watch(piece);
    // A piece is a token, or several of them.
    const tokens = `at least ${formatCounted(pieces, 'token')}`;
    return repetition === null ? null : failure('repetition', runAwaySentence(repetition, tokens));
  };
}

/** Says whether the body asks for a form that an engine holds an answer to, token by token. */
function hasGrammar(body: RequestBody): boolean {
  const { tool_choice: choice } = body;
  return choice === 'required' || isRecord(choice) || formKeys.some((key) => isForm(body[key]));
}

const isForm = (value: unknown): boolean =>
  value !== undefined && value !== null && !(isRecord(value) && value['type'] === 'text');

/** The message of every engine about a run-away answer. `tokens`: how many it had, in words. */
export function runAwaySentence({ text, times }: Repetition, tokens: string): string {
  const said = `${quoted(text)} came ${formatInteger(times)} times in a row`;
  return `The answer repeats itself without end, and was stopped after ${tokens}: ${said}. Try another temperature or repeat_penalty, or use --allow-repetition if you want such answers.`;
}

/** Where a text that is repeated may be said to begin: at a line, else behind a sentence, else between words. */
const beginnings = [/\n/, /(?<=[.!?]) /, /\s/];
const maxQuoted = 60;

function quoted(text: string): string {
  const start = beginnings.map((beginning) => text.search(beginning)).find((at) => at !== -1) ?? 0;
  const whole = text.slice(start) + text.slice(0, start);
  const said = whole.trim() === '' ? whole : whole.trim();
  return JSON.stringify(said.length > maxQuoted ? `${said.slice(0, maxQuoted - 3)}...` : said);
}
