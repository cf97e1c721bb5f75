import { shorten } from '../text/format.ts';
import { isPrintable, printable } from '../text/printable.ts';
import type { Endpoint, RequestBody } from '../core/request.ts';
import { problemOf } from '../core/request-keys/request-keys.ts';
import { isRecord } from '../data/is-record.ts';
import { talksToMessages, turnWith } from './shapes/jq-programs.ts';
import type { Row } from './line-formats.ts';
import { checkText, kindOf } from './check-text.ts';

/**
 * Says what is wrong with a body's prompt, model, numbers or keys, or null. What a backend can honour is the backend's to
 * say.
 */
export function checkBody(endpoint: Endpoint, body: Partial<RequestBody>): string | null {
  return checkPrompt(endpoint, body) ?? checkModel(body.model) ?? checkNumbers(body) ?? checkKeys(body);
}

function checkKeys(body: Partial<RequestBody>): string | null {
  for (const key in body) {
    const problem = problemOf(key, body[key]);
    if (problem !== null) return problem;
  }
  return null;
}

/**
 * Refuses numbers that JSON can't carry unchanged: JSON.parse reads 1e999 as Infinity, which would be sent as null, and
 * rounds a large seed.
 */
function checkNumbers(body: Partial<RequestBody>): string | null {
  const { seed } = body;
  if (typeof seed === 'number' && Number.isFinite(seed) && Math.abs(seed) > Number.MAX_SAFE_INTEGER)
    return '"seed" is outside of ±2^53, so it would be rounded';
  for (const key in body) {
    if (holdsInfinity(body[key])) return `"${key}" contains a number that is too large for JSON`;
  }
  return null;
}

function holdsInfinity(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some(holdsInfinity);
  for (const key in value) {
    if (holdsInfinity((value as Record<string, unknown>)[key])) return true;
  }
  return false;
}

function checkModel(model: unknown): string | null {
  if (model === undefined || model === null) return 'no model: add -m <model>, or "model" to the line';
  if (typeof model !== 'string' || model === '') return `"model" is ${shorten(model)}, not the name of one`;
  return isPrintable(model)
    ? null
    : `"model" contains a character that is not allowed in a name: ${printable(shorten(model))}`;
}

function checkPrompt(endpoint: Endpoint, { messages, prompt, input }: Partial<RequestBody>): string | null {
  if (endpoint === '/v1/chat/completions') return checkMessages(messages);
  if (endpoint === '/v1/completions') return checkText('prompt', prompt);
  return Array.isArray(input) && input.length > 0
    ? (input.map((text) => checkText('input', text)).find((reason) => reason !== null) ?? null)
    : checkText('input', input);
}

function checkMessages(messages: unknown): string | null {
  if (!Array.isArray(messages)) return messages === undefined ? 'no "messages"' : `"messages" is ${kindOf(messages)}`;
  if (messages.length === 0) return '"messages" is empty';
  for (const [index, message] of messages.entries()) {
    const reason = checkMessage(message);
    if (reason !== null) return `messages[${index}]: ${reason}`;
  }
  return null;
}

function checkMessage(message: unknown): string | null {
  if (!isRecord(message)) return `is ${kindOf(message)}, not an object`;
  const { role, content } = message;
  const problem = checkRole(role, message);
  if (problem !== null) return problem;
  if (typeof content === 'string') return null;
  if (content === null || content === undefined) {
    return role === 'assistant' ? null : '"content" is missing';
  }
  if (!Array.isArray(content)) return `"content" is ${kindOf(content)}, not a text or a list of parts`;
  const reasons = content.map(checkPart);
  return reasons.find((reason) => reason !== null) ?? null;
}

function checkRole(role: unknown, message: Row): string | null {
  if (typeof role !== 'string') return `"role" is ${shorten(role)}, not a text${'from' in message ? ofShareGpt : ''}`;
  const known = knownRoles.get(role) ?? knownRoles.get(role.toLowerCase());
  return known === undefined || known === role ? null : `"role" is ${shorten(role)}: write "${known}"`;
}

const ofShareGpt = `. It has "from" and "value", as in ShareGPT: ${turnWith(`.conversations = .messages | ${talksToMessages}`)}`;

/** Roles as other libraries and APIs write them. */
const knownRoles: ReadonlyMap<string, string> = new Map([
  ...['system', 'developer', 'user', 'assistant', 'tool'].map((role) => [role, role] as const),
  ['human', 'user'],
  ...['gpt', 'ai', 'bot', 'model', 'chatbot'].map((role) => [role, 'assistant'] as const),
]);

function checkPart(part: unknown): string | null {
  if (!isRecord(part) || typeof part['type'] !== 'string') return '"content" has a part without a "type"';
  const { text } = part;
  return text === undefined || text === null || typeof text === 'string'
    ? null
    : `"content" has a part whose "text" is ${kindOf(text)}`;
}
