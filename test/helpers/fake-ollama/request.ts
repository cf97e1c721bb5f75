import type { Message } from './answer.ts';
import { goDuration } from './go-duration.ts';
import { type JsonObject, isObject, textIn } from './json.ts';
import type { FakeModel } from './models.ts';
import { refuse } from './refusal.ts';
import type { LoadOptions } from './runner.ts';
import type { Wanted } from './scheduler.ts';

export type AnswerRoute = 'chat' | 'generate';

/** A chat or generate request that passed the checks in front of the scheduler. */
export interface GenerateRequest {
  route: AnswerRoute;
  /** As the client wrote it. */
  model: string;
  messages: Message[];
  /** The prompt goes to the model as it is. */
  raw: boolean;
  /** Nothing to answer: only load the model, or unload it. */
  empty: boolean;
  stream: boolean;
  truncate: boolean;
  think: boolean;
  tools: string[];
  /** Null: none asked for. */
  topLogprobs: number | null;
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
const stopWords = ['<|im_start|>', '<|im_end|>'];

export function readModelName(body: JsonObject): string {
  const model = textIn(body['model']) || textIn(body['name']);
  if (model === '') throw refuse(400, 'model is required');
  return model;
}

export function readGenerateRequest(
  route: AnswerRoute,
  body: JsonObject,
  { model, numCtx }: { model: FakeModel; numCtx: number },
): GenerateRequest {
  const name = readModelName(body);
  const options = isObject(body['options']) ? body['options'] : {};
  const raw = route === 'generate' && body['raw'] === true;
  if (raw && textIn(body['system']) !== '') throw refuse(400, 'raw mode does not support template, system, or context');
  const messages = route === 'chat' ? readMessages(body['messages']) : readPrompt(body);
  const number = (key: string, fallback: number): number =>
    typeof options[key] === 'number' ? Math.trunc(options[key]) : fallback;
  const tools = Array.isArray(body['tools']) ? (body['tools'] as JsonObject[]).map(toolName) : [];
  return {
    route,
    model: name,
    messages,
    raw,
    empty: route === 'chat' ? messages.length === 0 : textIn(body['prompt']) === '',
    stream: body['stream'] !== false,
    truncate: body['truncate'] !== false,
    think: readThink(name, body['think'], model.capabilities),
    tools,
    topLogprobs: body['logprobs'] === true ? Number(body['top_logprobs'] ?? 0) : null,
    numPredict: number('num_predict', -1),
    numKeep: number('num_keep', 4),
    stop: Array.isArray(options['stop']) ? [...stopWords, ...(options['stop'] as string[])] : stopWords,
    format: body['format'],
    wanted: {
      keepAlive: readKeepAlive(body['keep_alive']),
      options: readLoadOptions(options, { shift: body['shift'], numCtx }),
    },
  };
}

/** What the scheduler looks at before it loads a model. */
export function checkSchedulable(request: GenerateRequest, body: JsonObject, { capabilities }: FakeModel): void {
  if (!capabilities.includes('completion')) throw refuse(400, `"${request.model}" does not support ${request.route}`);
  if (request.tools.length > 0 && !capabilities.includes('tools')) {
    throw refuse(400, `${request.model} does not support tools`);
  }
  checkOptions(isObject(body['options']) ? body['options'] : {});
}

export function readLoadOptions(options: JsonObject, defaults: { shift: unknown; numCtx: number }): LoadOptions {
  const numCtx = typeof options['num_ctx'] === 'number' ? Math.trunc(options['num_ctx']) : defaults.numCtx;
  const others = ['num_batch', 'main_gpu', 'num_thread', 'draft_num_predict', 'use_mmap'];
  const numGpu = options['num_gpu'];
  return {
    numCtx: Math.min(Math.max(numCtx, 4), trainedContext),
    numGpu: typeof numGpu === 'number' && numGpu >= 0 ? numGpu : null,
    others: JSON.stringify(others.map((name) => options[name] ?? null)),
    shift: defaults.shift !== false,
  };
}

export function readKeepAlive(value: unknown): number {
  if (value === undefined || value === null) return 300_000;
  if (typeof value === 'number') return value < 0 ? Number.POSITIVE_INFINITY : value * 1000;
  if (typeof value !== 'string') {
    throw refuse(400, `Unsupported type: '${Array.isArray(value) ? '[]interface {}' : 'bool'}'`);
  }
  const milliseconds = goDuration(value);
  return milliseconds < 0 ? Number.POSITIVE_INFINITY : milliseconds;
}

export function checkOptions(options: JsonObject): void {
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

/** A model that can think does, unless it is told not to. */
function readThink(model: string, think: unknown, capabilities: string[]): boolean {
  const isAsked = think === true || textIn(think) !== '';
  if (capabilities.includes('thinking')) return think !== false;
  if (isAsked) throw refuse(400, `"${model}" does not support thinking`);
  return false;
}

function readMessages(messages: unknown): Message[] {
  if (!Array.isArray(messages)) return [];
  return (messages as JsonObject[]).map(({ role, content }) => ({ role: textIn(role), content: textIn(content) }));
}

function readPrompt({ system, prompt }: JsonObject): Message[] {
  const user = { role: 'user', content: textIn(prompt) };
  return textIn(system) === '' ? [user] : [{ role: 'system', content: textIn(system) }, user];
}

const toolName = ({ function: tool }: JsonObject): string => (isObject(tool) ? textIn(tool['name']) : '');
