import type { RequestBody } from '../../core/request.ts';
import { refuse } from './refuse.ts';

/** How an answer is generated. Without a temperature it is greedy: the same request gives the same answer. */
export interface GenerationSettings {
  temperature: number;
  /** 1: no limit. */
  topP: number;
  /** 0: no limit. */
  topK: number;
  minP: number;
  /** Null: another one each time. */
  seed: number | null;
  /** Null: as far as the context goes. */
  maxTokens: number | null;
  stop: string[];
  frequencyPenalty: number;
  presencePenalty: number;
  /** 1: none. */
  repeatPenalty: number;
  format: AnswerFormat;
}

export type AnswerFormat = { type: 'text' } | { type: 'json_object' } | { type: 'json_schema'; schema: unknown };

interface Rule {
  wants: string;
  accepts: (value: unknown) => boolean;
}

/** The keys of a body that are honoured here, or change nothing in an answer. A null means "not given". */
const rules: Record<string, Rule> = {
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
  response_format: { wants: 'of type text, json_object or json_schema (with its schema)', accepts: isFormat },
  n: { wants: '1', accepts: (value) => value === 1 },
  logprobs: { wants: 'false', accepts: (value) => value === false },
  stream: anything(),
  stream_options: anything(),
  user: anything(),
  metadata: anything(),
  store: anything(),
};

/** Reads the sampling keys of a body; `promptKey` is read elsewhere. Refuses what can't be honoured, by name. */
export function readBody(body: RequestBody, promptKey: 'messages' | 'prompt'): GenerationSettings {
  checkKeys(body, promptKey);
  return {
    temperature: numberOf(body, 'temperature', 0),
    topP: numberOf(body, 'top_p', 1),
    topK: Math.max(0, numberOf(body, 'top_k', 0)),
    minP: numberOf(body, 'min_p', 0),
    seed: numberOf(body, 'seed', null),
    maxTokens: numberOf(body, 'max_completion_tokens', numberOf(body, 'max_tokens', null)),
    stop: [body['stop'] ?? []].flat() as string[],
    frequencyPenalty: numberOf(body, 'frequency_penalty', 0),
    presencePenalty: numberOf(body, 'presence_penalty', 0),
    repeatPenalty: numberOf(body, 'repeat_penalty', numberOf(body, 'repetition_penalty', 1)),
    format: formatOf(body['response_format']),
  };
}

function checkKeys(body: RequestBody, promptKey: string): void {
  for (const [key, value] of Object.entries(body)) {
    if (value === null || value === undefined || key === promptKey) continue;
    const rule = Object.hasOwn(rules, key) ? rules[key] : undefined;
    if (rule === undefined) {
      throw refuse('bad-request', `llama-cpp can't honour \`${key}\`: remove it or use another backend.`);
    }
    if (!rule.accepts(value))
      throw refuse('bad-request', `\`${key}\` is ${shorten(value)}: llama-cpp wants ${rule.wants}.`);
  }
}

function numberOf<T>(body: RequestBody, key: string, fallback: T): number | T {
  const value = body[key];
  return typeof value === 'number' ? value : fallback;
}

function formatOf(value: unknown): AnswerFormat {
  const format = (value ?? { type: 'text' }) as { type: AnswerFormat['type']; json_schema?: { schema: unknown } };
  return format.type === 'json_schema'
    ? { type: format.type, schema: format.json_schema?.schema }
    : { type: format.type };
}

function isFormat(value: unknown): boolean {
  const { type, json_schema: named } = value as { type?: unknown; json_schema?: { schema?: unknown } | null };
  if (type === 'json_schema') return typeof named?.schema === 'object' && named.schema !== null;
  return type === 'text' || type === 'json_object';
}

function isStop(value: unknown): boolean {
  return [value].flat().every((text) => typeof text === 'string' && text !== '');
}

function number(min: number, max: number): Rule {
  const wants =
    max === Number.MAX_VALUE ? `a number ${min === 0 ? 'from' : 'above'} 0` : `a number from ${min} to ${max}`;
  return { wants, accepts: (value) => typeof value === 'number' && value >= min && value <= max };
}

function integer(min: number, max: number): Rule {
  const wants = min === Number.MIN_SAFE_INTEGER ? 'a whole number' : `a whole number from ${min}`;
  return { wants, accepts: (value) => Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max };
}

function anything(): Rule {
  return { wants: 'anything', accepts: () => true };
}

function shorten(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
