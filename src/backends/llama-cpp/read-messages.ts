import { type ChatMessage, textOf } from '../../core/request.ts';
import { refuse } from '../request/refuse.ts';

const roles = new Set(['system', 'developer', 'user', 'assistant', 'tool']);
/** What chat templates know of a message. */
const messageKeys = new Set(['role', 'content', 'name', 'tool_calls', 'tool_call_id', 'reasoning_content']);

/**
 * Messages as chat templates want them: the content a text, `developer` under its older name. The role goes into the
 * prompt's structure, so only known ones pass.
 */
export function readMessages(messages: unknown): ChatMessage[] {
  if (!Array.isArray(messages) || messages.length === 0)
    throw refuse('bad-request', '`messages` is not a list of messages.');
  return messages.map((message: unknown, index) => {
    if (!isObject(message)) throw refuse('bad-request', `messages[${index}] is not an object.`);
    return readMessage(message, `messages[${index}]`);
  });
}

function readMessage(message: Record<string, unknown>, where: string): ChatMessage {
  const { role, content } = message;
  if (typeof role !== 'string' || !roles.has(role)) {
    throw refuse(
      'bad-request',
      `${where} has the role ${JSON.stringify(role)}: llama-cpp knows ${[...roles].join(', ')}.`,
    );
  }
  const given = Object.entries(message).filter(([, value]) => value !== null && value !== undefined);
  const unknown = given.find(([key]) => !messageKeys.has(key));
  if (unknown !== undefined)
    throw refuse('bad-request', `llama-cpp can't honour \`${unknown[0]}\` of ${where}: remove it.`);
  return {
    ...Object.fromEntries(given),
    role: role === 'developer' ? 'system' : role,
    content: readContent(content, where),
  };
}

function readContent(content: unknown, where: string): string {
  if (typeof content === 'string') return content;
  if (content === null || content === undefined) return '';
  if (!Array.isArray(content))
    throw refuse('bad-request', `${where} has a content that is neither a text nor a list of parts.`);
  for (const part of content as unknown[]) {
    if (isObject(part) && part['type'] === 'text' && typeof part['text'] === 'string') continue;
    const type = isObject(part) ? JSON.stringify(part['type']) : typeof part;
    throw refuse('bad-request', `${where} has a part of type ${type}: llama-cpp takes text only.`);
  }
  return textOf(content as ChatMessage['content']);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
