import { isRecord } from '../../../data/is-record.ts';
import { type ChatMessage, textOf } from '../../../core/request.ts';
import { checkMessage, isNothing } from '../../request/check-message.ts';
import { refuse } from '../../request/refuse.ts';

/** Keys of a message that chat templates know. */
const messageKeys = new Set('role content name tool_calls tool_call_id reasoning_content reasoning refusal'.split(' '));

/**
 * Messages as chat templates want them: the content a text, the arguments of a tool call an object, `developer` under
 * its older name where the template does not know it. The role goes into the prompt's structure, so only known ones
 * pass.
 */
export function readMessages(messages: unknown, hasDeveloper = false): ChatMessage[] {
  if (!Array.isArray(messages) || messages.length === 0)
    throw refuse('bad-request', '`messages` is not a list of messages.');
  return messages.map((message: unknown, index) => {
    if (!isRecord(message)) throw refuse('bad-request', `messages[${index}] is not an object.`);
    return { ...readMessage(message, `messages[${index}]`), ...roleOf(message, hasDeveloper) };
  });
}

function readMessage(message: Record<string, unknown>, where: string): ChatMessage {
  const { role, content } = message;
  checkMessage(message, where, { engine: 'llama-cpp', keys: messageKeys });
  const given = Object.entries(message).filter(([, value]) => !isNothing(value));
  const calls = message['tool_calls'];
  return {
    ...Object.fromEntries(given),
    role: String(role),
    content: readContent(content, where),
    ...(Array.isArray(calls) && calls.length > 0 ? { tool_calls: calls.map((call) => readToolCall(call, where)) } : {}),
  };
}

const roleOf = ({ role }: Record<string, unknown>, hasDeveloper: boolean): { role?: string } =>
  role === 'developer' && !hasDeveloper ? { role: 'system' } : {};

/** OpenAI gives the arguments as a text of JSON. */
function readToolCall(call: unknown, where: string): unknown {
  const named = isRecord(call) ? call['function'] : null;
  if (!isRecord(call) || !isRecord(named)) throw refuse('bad-request', `${where} has a tool call without a function.`);
  const { arguments: text } = named;
  return { ...call, function: { ...named, arguments: typeof text === 'string' ? parsed(text, where) : text } };
}

function parsed(text: string, where: string): unknown {
  try {
    return JSON.parse(text || '{}');
  } catch {
    throw refuse('bad-request', `${where} has a tool call whose arguments are not JSON.`);
  }
}

function readContent(content: unknown, where: string): string {
  if (typeof content === 'string') return content;
  if (content === null || content === undefined) return '';
  if (!Array.isArray(content))
    throw refuse('bad-request', `${where} has a content that is neither a text nor a list of parts.`);
  for (const part of content as unknown[]) {
    if (isRecord(part) && part['type'] === 'text' && typeof part['text'] === 'string') continue;
    const type = isRecord(part) ? JSON.stringify(part['type']) : typeof part;
    throw refuse('bad-request', `${where} has a part of type ${type}: llama-cpp takes text only.`);
  }
  return textOf(content as ChatMessage['content']);
}
