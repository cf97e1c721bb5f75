import { refuse } from '../../request/refuse.ts';
import type { ModelTokens } from './control-tokens.ts';

export interface Protected<T> {
  value: T;
  /** Mark between pieces that are tokenized apart; null where there is nothing to part. */
  mark: string | null;
}

/** Breaks up what looks like a control token in any text of a value. Without such a text nothing differs. */
export function protect<T>(value: T, tokens: ModelTokens | null): Protected<T> {
  if (tokens === null) return { value, mark: null };
  let isFound = false;
  mapTexts(value, (text, isAnswer) => {
    isFound ||= tokensFor(tokens, isAnswer).find(text) !== null;
    return text;
  });
  if (!isFound) return { value, mark: null };
  const mark = unusedCharacter(value);
  return { value: mapTexts(value, (text, isAnswer) => tokensFor(tokens, isAnswer).breakUp(text, mark)) as T, mark };
}

const tokensFor = ({ anywhere, inAnswers }: ModelTokens, isAnswer: boolean) => (isAnswer ? inAnswers : anywhere);

/** A character for private use that no text of the value has. */
export function unusedCharacter(value: unknown): string {
  const text = JSON.stringify(value);
  for (let code = 0xe000; code <= 0xf8ff; code++) {
    const character = String.fromCodePoint(code);
    if (!text.includes(character)) return character;
  }
  throw refuse('control-token', 'The text has a control token, and every character that could part it.');
}

type Replace = (text: string, isAnswer: boolean) => string;

/** A copy with every text in it replaced, keys of objects too: a tool call's arguments may have any. */
function mapTexts(value: unknown, replace: Replace, isAnswer = false): unknown {
  if (typeof value === 'string') return replace(value, isAnswer);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, replace, isAnswer));
  if (typeof value !== 'object' || value === null) return value;
  const inAnswer = isAnswer || ('role' in value && value.role === 'assistant');
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [replace(key, inAnswer), mapTexts(item, replace, inAnswer)]),
  );
}
