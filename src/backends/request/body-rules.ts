import { type AnswerFormat, readFormat } from '../../core/answer-format.ts';
import { isNeutral, keyMeantBy, requestKeys } from '../../core/request-keys/request-keys.ts';
import { shorten } from '../../text/format.ts';
import type { RequestBody } from '../../core/request.ts';
import { thinkingOf, thinkingWords } from '../../core/thinking.ts';
import { isRecord } from '../../data/is-record.ts';
import { refuse } from './refuse.ts';

/** Rule for the value of one key of a request body. */
export interface Rule {
  wants: string;
  accepts: (value: unknown, body: RequestBody) => boolean;
}

/**
 * Refuses, by name, the keys of a body that a backend can't honour. A value that changes nothing on any engine passes;
 * `promptKey` is read elsewhere.
 */
export function checkKeys(
  body: RequestBody,
  promptKey: string,
  { backend, rules }: { backend: string; rules: Readonly<Record<string, Rule>> },
): void {
  for (const [key, value] of Object.entries(body)) {
    if (key === promptKey || isNeutral(key, value)) continue;
    const rule = Object.hasOwn(rules, key) ? rules[key] : undefined;
    if (rule === undefined) {
      throw refuse(
        'bad-request',
        `${backend} can't honour \`${key}\`: ${adviceFor(key) ?? 'remove it or use another backend.'}`,
      );
    }
    if (!rule.accepts(value, body))
      throw refuse('bad-request', `\`${key}\` is ${shorten(value)}: ${backend} wants ${rule.wants}.`);
  }
}

/**
 * A body without the values that change nothing, for an engine that has fewer keys. A choice of tools stays, which is
 * read beside them, as labels do.
 */
export const withoutNeutral = (body: RequestBody): RequestBody =>
  Object.fromEntries(Object.entries(body).filter(isKept)) as RequestBody;

function isKept([key, value]: [string, unknown]): boolean {
  const { isLabel, isForeign } = requestKeys.get(key) ?? {};
  return !isNeutral(key, value) || key === 'tool_choice' || isLabel === true || isForeign === true;
}

export const anything: Rule = { wants: 'anything', accepts: () => true };
export const yesOrNo: Rule = { wants: 'true or false', accepts: (value) => typeof value === 'boolean' };
/** `chat_template_kwargs` that say how to think, and nothing else. */
export const thinkingKwargs: Rule = {
  wants: '{"enable_thinking": true or false}, or the other words for thinking',
  accepts: isThinkingKwargs,
};
export const only = (value: unknown): Rule => ({ wants: String(value), accepts: (given) => given === value });

/**
 * The keys that mean the same to every engine that has them, or change nothing in an answer. An engine that lacks one of the
 * first kind (`min_p`, `seed`, `presence_penalty`, `response_format`) replaces its rule behind the spread, by `only` and the
 * value that changes nothing: `{ ...commonRules, min_p: only(0) }`. Otherwise the key is accepted, and not honoured.
 */
export const commonRules: Readonly<Record<string, Rule>> = {
  model: { wants: 'a text', accepts: (value) => typeof value === 'string' },
  temperature: number(0, Number.MAX_VALUE),
  top_p: number(0, 1),
  top_k: integer(-1, 2 ** 31 - 1),
  min_p: number(0, 1),
  seed: integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  max_tokens: integer(1, Number.MAX_SAFE_INTEGER),
  max_completion_tokens: integer(1, Number.MAX_SAFE_INTEGER),
  stop: { wants: 'a text or a list of texts, none of them empty', accepts: isStop },
  frequency_penalty: number(-2, 2),
  presence_penalty: number(-2, 2),
  repeat_penalty: number(Number.MIN_VALUE, Number.MAX_VALUE),
  repetition_penalty: number(Number.MIN_VALUE, Number.MAX_VALUE),
  response_format: {
    wants: 'of type text, json_object or json_schema (with its schema)',
    accepts: (value) => typeof readFormat(value) !== 'string',
  },
  n: only(1),
  // Values that clients and files for hosted services hold, and that change nothing.
  tools: noneOf('tools'),
  functions: noneOf('functions'),
  tool_choice: { wants: 'auto or none', accepts: (value) => value === 'auto' || value === 'none' },
  parallel_tool_calls: {
    wants: 'true where there are tools',
    accepts: (value, { tools }) => value === true || (value === false && !hasItems(tools)),
  },
  service_tier: { wants: 'auto or default', accepts: (value) => value === 'auto' || value === 'default' },
  logit_bias: { wants: 'an object without entries', accepts: (value) => JSON.stringify(value) === '{}' },
  logprobs: only(false),
  top_logprobs: only(0),
  modalities: { wants: '["text"]', accepts: (value) => JSON.stringify(value) === '["text"]' },
  echo: only(false),
  best_of: only(1),
  suffix: only(''),
  ignore_eos: only(false),
  min_tokens: only(0),
};

const hasItems = (value: unknown): boolean => Array.isArray(value) && value.length > 0;

function noneOf(what: string): Rule {
  return { wants: `no ${what}`, accepts: (value) => Array.isArray(value) && !hasItems(value) };
}

/** The advice for a key that other programs know by another name, or that is spelled wrong; null where there is none. */
export function adviceFor(key: string): string | null {
  const meant = keyMeantBy(key);
  if (meant !== null) return `did you mean \`${meant}\`?`;
  const instead = requestKeys.get(key)?.instead;
  return instead === undefined ? null : `${instead}.`;
}

/** A number of the body, or what stands for it where it is not given. */
export function numberOf<T>(body: RequestBody, key: string, fallback: T): number | T {
  const value = body[key];
  return typeof value === 'number' ? value : fallback;
}

export const stopsOf = (body: RequestBody): string[] => [body['stop'] ?? []].flat() as string[];

/** The form that a body asks for; checked by `response_format` of the rules. */
export function answerFormatOf(body: RequestBody): AnswerFormat {
  const format = readFormat(body['response_format']);
  return typeof format === 'string' ? { type: 'text' } : format;
}

export function number(min: number, max: number): Rule {
  const wants =
    max === Number.MAX_VALUE ? `a number ${min === 0 ? 'from' : 'above'} 0` : `a number from ${min} to ${max}`;
  return { wants, accepts: (value) => typeof value === 'number' && value >= min && value <= max };
}

export function integer(min: number, max: number): Rule {
  const wants = min === Number.MIN_SAFE_INTEGER ? 'a whole number' : `a whole number from ${min}`;
  return { wants, accepts: (value) => Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max };
}

function isThinkingKwargs(value: unknown): boolean {
  return (
    isRecord(value) &&
    Object.keys(value).every((key) => thinkingWords.has(key)) &&
    thinkingOf({ chat_template_kwargs: value }) !== null
  );
}

function isStop(value: unknown): boolean {
  return [value].flat().every((text) => typeof text === 'string' && text !== '');
}
