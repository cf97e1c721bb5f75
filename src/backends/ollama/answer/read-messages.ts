import { type ChatMessage, type ContentPart, textOf } from '../../../core/request.ts';
import { isRecord } from '../../../data/is-record.ts';
import { checkMessage } from '../../request/check-message.ts';
import { refuse } from '../../request/refuse.ts';
import type { WireMessage, WireToolCall } from '../http/wire.ts';

const messageKeys = new Set(['role', 'content', 'tool_calls', 'reasoning_content', 'refusal']);
/** Keys of a tool's result. */
const toolKeys = new Set([...messageKeys, 'name', 'tool_call_id']);

/** Messages in OpenAI's shape as Ollama wants them. */
export function readMessages(messages: readonly ChatMessage[]): WireMessage[] {
  return messages.map((message, index) => readMessage(message, `messages[${index}]`));
}

function readMessage(message: ChatMessage, where: string): WireMessage {
  const { role, content, name, tool_calls: calls, tool_call_id: callId, reasoning_content: reasoning } = message;
  checkMessage(message, where, { engine: 'ollama', keys: role === 'tool' ? toolKeys : messageKeys });
  const read: WireMessage = { role: role === 'developer' ? 'system' : role, content: textOf(content ?? null) };
  const images = Array.isArray(content) ? imagesOf(content, where) : [];
  if (images.length > 0) read.images = images;
  if (typeof reasoning === 'string') read.thinking = reasoning;
  if (Array.isArray(calls)) read.tool_calls = calls.map((call) => readToolCall(call, where));
  return role === 'tool' ? { ...read, ...toolResult(name, callId) } : read;
}

function toolResult(name: unknown, callId: unknown): Pick<WireMessage, 'tool_name' | 'tool_call_id'> {
  const named = typeof name === 'string' ? { tool_name: name } : {};
  return typeof callId === 'string' ? { ...named, tool_call_id: callId } : named;
}

/** The images of a message, as base64; a part that is neither text nor such an image is refused. */
function imagesOf(parts: readonly ContentPart[], where: string): string[] {
  return parts.flatMap((part) => {
    if (part.type === 'text' && typeof part.text === 'string') return [];
    const image = part['image_url'];
    const url = isRecord(image) ? image['url'] : image;
    const [, data] = /^data:image\/[\w.+-]+;base64,([A-Za-z0-9+/=]+)$/.exec(typeof url === 'string' ? url : '') ?? [];
    if (part.type === 'image_url' && data !== undefined) return [data];
    const wants = 'text, and image_url with a base64 data: URL';
    throw refuse('bad-request', `${where} has a part of type ${JSON.stringify(part.type)}: ollama takes ${wants}.`);
  });
}

/** OpenAI gives the arguments as a text of JSON, Ollama wants the object. */
function readToolCall(call: unknown, where: string): WireToolCall {
  const named = isRecord(call) && isRecord(call['function']) ? call['function'] : {};
  const { name, arguments: text } = named;
  const values = typeof text === 'string' ? parseObject(text) : text;
  if (typeof name !== 'string' || !isRecord(values)) {
    throw refuse(
      'bad-request',
      `${where} has a tool call without a name, or with arguments that are not a JSON object.`,
    );
  }
  const id = isRecord(call) && typeof call['id'] === 'string' ? { id: call['id'] } : {};
  return { ...id, function: { name, arguments: values } };
}

function parseObject(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
