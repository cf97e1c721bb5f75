import { hash } from 'node:crypto';
import { basename } from 'node:path';
import type { BatchRequest, ChatMessage, RequestBody } from '../core/request.ts';
import type { AnswerSettings } from '../core/settings.ts';

/** What decides an answer beside the request itself: the same for all requests that one model answers in a run. */
export interface AnswerSource {
  backend: string;
  model: string;
  /** Digest of the model's weights; null where the engine tells none. */
  digest: string | null;
  mode: 'independent' | 'conversation';
  settings: AnswerSettings;
}

/** Hexadecimal digits of a request hash: 128 bits. */
const digits = 32;

/**
 * Makes the function that gives a request its `request_hash`: two results with the same one answer the same request, under
 * the same settings, by the same model. It is the first half of the SHA-256 of a text, in hexadecimal. The text holds
 *
 * - the backend's name; the model's name and digest, and where there is a digest, of a path the last part only;
 * - the `--option` values in the order of their names, `--control-tokens`, `--allow-truncated`, `--allow-empty-answers`;
 *   in conversation mode its settings too, but not the history that a request was sent with;
 * - the endpoint, and the body as it is sent, without the name of the model, its keys in alphabetical order. Prompts,
 *   templates, schemas and sampling flags are part of the body.
 *
 * Null where the body can't be written as JSON, because it is nested too deep.
 */
export function createRequestHash(source: AnswerSource): (request: BatchRequest) => string | null {
  const start = textOfSource(source);
  const keysOf = createKeyOrder();
  return ({ endpoint, body }) => {
    try {
      let text = `${start}\n${endpoint}`;
      for (const key of keysOf(body)) text += `\n${key.length} ${key} ${textOf(body[key])}`;
      return hash('sha256', text, 'hex').slice(0, digits);
    } catch {
      return null;
    }
  };
}

/** Short: it is hashed again for each request. */
function textOfSource({ backend, model, digest, mode, settings }: AnswerSource): string {
  const { options, controlTokens, allowTruncated, allowEmptyAnswers, conversation } = settings;
  const sorted = Object.entries(options).toSorted(([left], [right]) => (left < right ? -1 : 1));
  const { trimEvery, keepMessages, trimTokens, contextTokens } = conversation;
  const history = mode === 'independent' ? null : [trimEvery, keepMessages, trimTokens, contextTokens];
  const name = digest === null ? model : basename(model);
  const facts = [backend, name, digest, sorted, controlTokens, allowTruncated, allowEmptyAnswers, history];
  return hash('sha256', JSON.stringify(facts), 'hex');
}

/** Puts the keys of bodies in order. Nearly all bodies of a run have the same ones, so the last order is kept. */
function createKeyOrder(): (body: RequestBody) => readonly string[] {
  let last: readonly string[] = [];
  let ordered: readonly string[] = [];
  return (body) => {
    const keys = Object.keys(body);
    const isAsLast = keys.length === last.length && keys.every((key, at) => key === last[at]);
    if (!isAsLast) {
      last = keys;
      ordered = keys.filter((key) => key !== 'model').toSorted();
    }
    return ordered;
  };
}

/** What a value of the body adds to the text. The lengths make it impossible that two bodies have one text. */
function textOf(value: unknown): string {
  if (typeof value === 'number') return String(value);
  if (!Array.isArray(value)) return JSON.stringify(value);
  let text = `[${value.length}`;
  for (const item of value) text += isPlainMessage(item) ? textOfMessage(item) : ` ${JSON.stringify(item)}`;
  return text;
}

/** A message as nearly all are: a role and a text, and nothing else. */
function isPlainMessage(item: unknown): item is ChatMessage & { content: string } {
  if (typeof item !== 'object' || item === null) return false;
  const { role, content } = item as Partial<ChatMessage>;
  return typeof role === 'string' && typeof content === 'string' && Object.keys(item).length === 2;
}

/** Without the cost of escaping its text. */
const textOfMessage = ({ role, content }: ChatMessage & { content: string }): string =>
  `:${role.length} ${role} ${content.length} ${content}`;
