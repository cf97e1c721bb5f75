import { readFormat } from '../../../core/answer-format.ts';
import { isNeutral } from '../../../core/request-keys/request-keys.ts';
import { type BatchRequest, type ChatMessage, isSystem, textOf } from '../../../core/request.ts';
import type { JsonSchema } from '../../../core/json-schema.ts';

/** What a request asks for that the service has not: the reason, which names the key and its way out. */
export class NotCarriedError extends Error {
  override name = 'NotCarriedError';
}

/** What a key of a request becomes at a service: the fields that take its place. */
export type KeyMap = Readonly<Record<string, (value: never) => Record<string, unknown>>>;

/** The same key, with the same value. */
export const asItIs =
  (name: string) =>
  (value: unknown): Record<string, unknown> => ({ [name]: value });

/** A text, or a list of texts, as a list. */
export const stopList =
  (name: string) =>
  (value: string | string[]): Record<string, unknown> => ({ [name]: typeof value === 'string' ? [value] : value });

/**
 * Writes the keys of a body as the service has them. A key with a value that changes nothing is left out. Throws a
 * `NotCarriedError` that names the keys which it has not.
 */
export function carryOver(body: BatchRequest['body'], service: string, keys: KeyMap): Record<string, unknown> {
  const given = Object.entries(body).filter(([name, value]) => name in keys || !isNeutral(name, value));
  const others = given.filter(([name]) => !(name in keys) && name !== 'model' && name !== 'messages');
  if (others.length > 0) {
    const names = others.map(([name]) => `"${name}"`).join(', ');
    throw new NotCarriedError(`${service} has no ${names}: take it out of the request`);
  }
  return Object.assign({}, ...given.map(([name, value]) => keys[name]?.(value as never) ?? {}));
}

/** A chat without the system prompt that begins it; null where it has none. */
export function splitSystem(messages: readonly ChatMessage[]): { system: string | null; turns: ChatMessage[] } {
  const first = messages.findIndex((message) => !isSystem(message));
  const [before, turns] = first === -1 ? [messages, []] : [messages.slice(0, first), messages.slice(first)];
  const wrong = turns.find(({ role, ...others }) => !roles.has(role) || hasMore(others));
  if (wrong !== undefined)
    throw new NotCarriedError(
      `a message with the role "${wrong.role}", or with more than its content, can't be carried over behind the system prompt`,
    );
  return {
    system: before.length === 0 ? null : before.map(({ content }) => textOf(content)).join('\n\n'),
    turns: [...turns],
  };
}

const roles = new Set(['user', 'assistant']);
const hasMore = (fields: Record<string, unknown>): boolean =>
  Object.entries(fields).some(([name, value]) => name !== 'content' && value !== null && value !== undefined);

/** A part of a message: its text, or the image of a data URL, or of an address. */
export type CarriedPart = { text: string } | { mediaType: string; data: string } | { url: string };

export function carriedParts(content: ChatMessage['content']): CarriedPart[] {
  if (content === null) return [];
  if (typeof content === 'string') return [{ text: content }];
  return content.map(({ type, text, ...others }): CarriedPart => {
    if (type === 'text' && typeof text === 'string') return { text };
    const { url } = (others['image_url'] ?? {}) as { url?: unknown };
    if (type !== 'image_url' || typeof url !== 'string')
      throw new NotCarriedError(`a part of a message of the type "${type}" can't be carried over`);
    const [, mediaType, data] = /^data:([\w/+.-]+);base64,(.*)$/s.exec(url) ?? [];
    return mediaType === undefined || data === undefined ? { url } : { mediaType, data };
  });
}

/** The schema of a `response_format`; null for any JSON object, and undefined where none is asked for. */
export function schemaOf(value: unknown): JsonSchema | null | undefined {
  const format = readFormat(value);
  if (typeof format === 'string') throw new NotCarriedError(format);
  if (format.type === 'text') return undefined;
  return format.type === 'json_schema' ? format.schema : null;
}

/** Throws where the request is no chat. */
export function chatOf({ endpoint, body }: BatchRequest, service: string): readonly ChatMessage[] {
  if (endpoint === '/v1/chat/completions' && body.messages !== undefined) return body.messages;
  throw new NotCarriedError(`${service} takes chats here, and this request is for ${endpoint}`);
}
