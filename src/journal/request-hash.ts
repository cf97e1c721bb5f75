import { hash } from 'node:crypto';
import { basename } from 'node:path';
import type { BatchRequest, ChatMessage, RequestBody } from '../core/request.ts';
import { type AnswerSettings, defaultAnswerSettings } from '../core/settings.ts';
import { sortedJson } from '../data/sorted-json.ts';

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
 * - the mode, and the settings that are not part of the body, in the order of their names, where they differ from their
 *   defaults: `--option` values, `--chat-template`, `--control-tokens`, `--allow-truncated`, `--allow-empty-answers`,
 *   `--allow-repetition`, and in conversation mode its settings, but not the history that a request was sent with;
 * - the endpoint, and the body as it is sent, without the name of the model, its keys in alphabetical order. Prompts,
 *   templates, schemas and sampling flags are part of the body.
 *
 * The result is null where the body can't be written as JSON, because it is nested too deep.
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

/**
 * Settings that are part of each body, that stand in `AnswerSource` as what became of them, or that say which rows are
 * answered and how they are read. Every other setting may change an answer.
 */
const elsewhere: ReadonlySet<string> = new Set<keyof AnswerSettings>([
  ...(['system', 'promptTemplate', 'schema', 'parameters'] as const),
  ...(['backend', 'model', 'mode'] as const),
  ...(['format', 'delimiter', 'encoding', 'idField', 'allowEmptyFields', 'limit', 'sample'] as const),
]);

/**
 * The part of the text that all requests share, as a hash, because it is hashed again with each request. Settings that
 * have their default are left out, so that a setting which is added later does not change the hashes of before.
 */
function textOfSource({ backend, model, digest, mode, settings }: AnswerSource): string {
  const defaults: Record<string, unknown> = defaultAnswerSettings;
  const changed = Object.entries(settings).filter(([name, value]) => {
    if (elsewhere.has(name) || (name === 'conversation' && mode === 'independent')) return false;
    return sortedJson(value) !== sortedJson(defaults[name]);
  });
  const name = digest === null ? model : basename(model);
  return hash('sha256', sortedJson([backend, name, digest, mode, Object.fromEntries(changed)]), 'hex');
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
