import { type JsonObject, isObject } from './json.ts';
import type { Message } from './answer.ts';
import { goDuration } from './go-duration.ts';
import { refuse, refuseLate, refuseNested } from './refusal.ts';
import type { LoadOptions } from './runner.ts';
import type { Wanted } from './scheduler.ts';

/** A chat or generate request that passed the checks in front of the scheduler. */
export interface GenerateRequest {
  route: 'chat' | 'generate';
  model: string;
  messages: Message[];
  /** Nothing to answer: only load the model, or unload it. */
  empty: boolean;
  stream: boolean;
  truncate: boolean;
  numPredict: number;
  numKeep: number;
  stop: string[];
  format: unknown;
  wanted: Wanted;
}

const trainedContext = 4096;
const runnerOptions = ['num_batch', 'num_gpu', 'main_gpu', 'num_thread', 'draft_num_predict'];
const integers = ['num_ctx', ...runnerOptions, 'num_keep', 'seed', 'num_predict', 'top_k', 'repeat_last_n'];
const floats = 'top_p min_p typical_p temperature repeat_penalty presence_penalty frequency_penalty'.split(' ');

export function parseBody(text: string): JsonObject {
  if (text === '') throw refuse(400, 'missing request body');
  if (!/^\s*[[{"\d\-tfn]/.test(text)) {
    throw refuse(400, `invalid character '${text.trim()[0] ?? ''}' looking for beginning of value`);
  }
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    throw refuse(400, 'unexpected EOF');
  }
}

export function readModelName(body: JsonObject): string {
  const { model } = body;
  if (typeof model !== 'string' || model === '') throw refuse(400, 'model is required');
  return model;
}

/** Types of the fields themselves: Go looks at them while it reads the body, before it looks for the model. */
export function checkFieldTypes(route: 'chat' | 'generate', body: JsonObject): void {
  const { messages } = body;
  if (route === 'chat' && messages !== undefined && messages !== null && !Array.isArray(messages)) {
    throw refuse(
      400,
      `json: cannot unmarshal ${goKind(messages)} into Go struct field ChatRequest.messages of type []api.Message`,
    );
  }
  readKeepAlive(body['keep_alive']);
}

export function readGenerateRequest(
  route: 'chat' | 'generate',
  body: JsonObject,
  defaults: { numCtx: number; thinks: boolean },
): GenerateRequest {
  const model = readModelName(body);
  if (isThinking(body['think']) && !defaults.thinks) throw refuse(400, `"${model}" does not support thinking`);
  const options = isObject(body['options']) ? body['options'] : {};
  checkOptions(options);
  const number = (name: string, fallback: number): number =>
    typeof options[name] === 'number' ? Math.trunc(options[name]) : fallback;
  const messages = route === 'chat' ? readMessages(body['messages']) : readPrompt(body);
  return {
    route,
    model,
    messages,
    empty: route === 'chat' ? messages.length === 0 : !body['prompt'],
    stream: body['stream'] !== false,
    truncate: body['truncate'] !== false,
    numPredict: number('num_predict', -1),
    numKeep: number('num_keep', 4),
    stop: ['<|im_end|>', ...((options['stop'] as string[] | undefined) ?? [])],
    format: body['format'],
    wanted: {
      keepAlive: readKeepAlive(body['keep_alive']),
      options: readLoadOptions(options, { shift: body['shift'], numCtx: defaults.numCtx }),
    },
  };
}

export function readLoadOptions(options: JsonObject, defaults: { shift: unknown; numCtx: number }): LoadOptions {
  const numCtx = typeof options['num_ctx'] === 'number' ? Math.trunc(options['num_ctx']) : defaults.numCtx;
  return {
    numCtx: Math.min(Math.max(numCtx, 4), trainedContext),
    others: JSON.stringify([...runnerOptions, 'use_mmap'].map((name) => knownOption(name, options[name]))),
    shift: defaults.shift !== false,
  };
}

/** A negative num_gpu is the default: as many layers as fit. */
function knownOption(name: string, value: unknown): unknown {
  if (name === 'num_gpu' && typeof value === 'number' && value < 0) return null;
  return value ?? null;
}

/** The checks that llama-server makes, or the runner in front of it. */
export function checkFormat(format: unknown): void {
  if (format === undefined || format === null || format === '' || format === 'json') return;
  if (!isObject(format)) {
    const quoted = JSON.stringify(JSON.stringify(format));
    throw refuseLate(500, `invalid format: ${quoted}; expected "json" or a valid JSON Schema object`);
  }
  const known = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'];
  const { type } = format;
  if (typeof type === 'string' && !known.includes(type)) {
    const text = `JSON schema conversion failed:\nJSON schema error at #: unrecognized type ${type}`;
    throw refuseNested(`Field 'json_schema': "json_schema": ${text}`, 'invalid_request_error');
  }
  if (Number(format['minItems']) > 2000) {
    throw refuseNested('Failed to initialize samplers: failed to parse grammar', 'invalid_request_error');
  }
}

function checkOptions(options: JsonObject): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === null) continue;
    const wrong = (type: string): Error => refuse(500, `option "${name}" must be of ${type}`);
    if (integers.includes(name) && typeof value !== 'number') throw wrong('type integer');
    if (floats.includes(name) && typeof value !== 'number') throw wrong('type float32');
    if (name === 'use_mmap' && typeof value !== 'boolean') throw wrong('type boolean');
    if (name !== 'stop') continue;
    if (!Array.isArray(value)) throw wrong('type array');
    if (!value.every((item) => typeof item === 'string')) throw wrong('an array of strings');
  }
}

function readMessages(messages: unknown): Message[] {
  if (!Array.isArray(messages)) return [];
  return (messages as JsonObject[]).map(({ role, content }) => ({
    role: String(role),
    content: textIn(content),
  }));
}

function readPrompt({ system, prompt }: JsonObject): Message[] {
  return [
    ...(typeof system === 'string' && system !== '' ? [{ role: 'system', content: system }] : []),
    { role: 'user', content: textIn(prompt) },
  ];
}

function readKeepAlive(value: unknown): number {
  if (value === undefined || value === null) return 300_000;
  if (typeof value === 'number') return value < 0 ? Number.POSITIVE_INFINITY : value * 1000;
  if (typeof value !== 'string') throw refuse(400, `Unsupported type: '${goKind(value)}'`);
  const milliseconds = goDuration(value);
  return milliseconds < 0 ? Number.POSITIVE_INFINITY : milliseconds;
}

const textIn = (value: unknown): string => (typeof value === 'string' ? value : '');

const isThinking = (think: unknown): boolean => think === true || (typeof think === 'string' && think !== '');

const goKind = (value: unknown): string =>
  typeof value === 'boolean' ? 'bool' : Array.isArray(value) ? 'array' : typeof value;
