import { type JsonObject, isObject } from './json.ts';
import { refuse } from './refusal.ts';
import { readKeepAlive } from './request.ts';

type FieldType = readonly [name: string, goType: string, holds: (value: unknown) => boolean];

const isText = (value: unknown): boolean => typeof value === 'string';
const isBoolean = (value: unknown): boolean => typeof value === 'boolean';

/** As far as a wrong type of them is worth a test. Go looks at them while it reads the body, before anything else. */
const fieldTypes: readonly FieldType[] = [
  ['model', 'string', isText],
  ['prompt', 'string', isText],
  ['messages', '[]api.Message', Array.isArray],
  ['stream', 'bool', isBoolean],
  ['options', 'map[string]interface {}', isObject],
];

/** The JSON object of a body; `goName` is what the server calls its type. */
export function readBody(text: string, goName: string): JsonObject {
  const body = parse(text);
  if (body === null) return {};
  const wrong = (value: unknown, place: string): Error =>
    refuse(400, `json: cannot unmarshal ${goKind(value)} into Go ${place}`);
  if (!isObject(body)) throw wrong(body, `value of type api.${goName}`);
  for (const [name, goType, holds] of fieldTypes) {
    const value = body[name];
    if (value !== undefined && value !== null && !holds(value)) {
      throw wrong(value, `struct field ${goName}.${name} of type ${goType}`);
    }
  }
  for (const message of (body['messages'] ?? []) as unknown[]) {
    if (!isObject(message)) throw wrong(message, `struct field ${goName}.messages of type api.Alias`);
    const { content } = message;
    if (content !== undefined && content !== null && typeof content !== 'string') {
      throw wrong(content, `struct field ${goName}.messages.content of type string`);
    }
  }
  checkThink(body['think']);
  readKeepAlive(body['keep_alive']);
  const top = body['top_logprobs'];
  if (typeof top === 'number' && (top < 0 || top > 20)) throw refuse(400, 'top_logprobs must be between 0 and 20');
  return body;
}

function parse(text: string): unknown {
  if (text === '') throw refuse(400, 'missing request body');
  try {
    return JSON.parse(text);
  } catch {
    const first = text.trim()[0] ?? '';
    if ('[{"-0123456789tfn'.includes(first)) throw refuse(400, 'unexpected EOF');
    throw refuse(400, `invalid character '${first}' looking for beginning of value`);
  }
}

function checkThink(think: unknown): void {
  const levels = ['high', 'medium', 'low', 'max'];
  if (typeof think !== 'string' || levels.includes(think)) return;
  throw refuse(
    400,
    `invalid think value: ${JSON.stringify(think)} (must be "high", "medium", "low", "max", true, or false)`,
  );
}

function goKind(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}
