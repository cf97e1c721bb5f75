import { shorten } from '../text/format.ts';
import { deepestNesting, isDeeperThan } from '../data/nesting.ts';
import { isRecord } from '../data/is-record.ts';
import { type Endpoint, type RequestBody, isSystem } from '../core/request.ts';
import { checkText, hasLoneSurrogate, isListOf, kindOf } from './check-text.ts';
import { isUsed, settingsOf, strayKeyOf } from './plain-keys.ts';
import type { PromptTemplate } from './template/prompt-template.ts';
import { problemOfSettings } from './template/row-settings.ts';
import { endpointOfUrl } from './shapes/batch-url.ts';
import { describeForeignShape } from './shapes/foreign-shapes.ts';

/** A request as its line states it, before the flags of the run fill the gaps. */
export interface Draft {
  endpoint: Endpoint;
  body: Partial<RequestBody>;
  /** Whether `--system` may put a system prompt before the messages. */
  takesSystem: boolean;
}

export type Row = Record<string, unknown>;
/** A sentence that says why the row can't become a request. */
type RejectionReason = string;

export interface LineFormat {
  /** Says whether a field of the row is a key of the request: the others stay with the result. Null: none is. */
  uses: ((name: string, value: unknown) => boolean) | null;
  matches: (row: Row, template: PromptTemplate | null) => boolean;
  /** Makes a request of a row, and of the JSON text that it stands in. */
  toDraft: (row: Row, template: PromptTemplate | null, text: string) => Draft | RejectionReason;
}

const batchKeys = new Set(['custom_id', 'id', 'method', 'url', 'body']);

/** A row of any fields. All of it stays with the result. */
export const templateFormat: LineFormat = {
  uses: null,
  matches: (_row, template) => template !== null,
  toDraft: fromTemplate,
};

/**
 * The formats in order of precedence: the first that matches a row reads it. With a template, a text called "body" is a
 * field like any other.
 */
const formats: readonly LineFormat[] = [
  {
    uses: (name) => batchKeys.has(name),
    matches: (row, template) => 'body' in row && (template === null || isRecord(row['body'])),
    toDraft: fromOpenaiBatch,
  },
  {
    uses: isUsed,
    matches: (row, template) => 'messages' in row && (template === null || Array.isArray(row['messages'])),
    toDraft: fromMessages,
  },
  templateFormat,
  { uses: isUsed, matches: (row) => 'prompt' in row, toDraft: fromPrompt },
];

const unknownFormat: LineFormat = { uses: null, matches: () => true, toDraft: describeForeignShape };

export const lineFormatOf = (row: Row, template: PromptTemplate | null): LineFormat =>
  formats.find(({ matches }) => matches(row, template)) ?? unknownFormat;

function fromOpenaiBatch(row: Row): Draft | RejectionReason {
  const { method, url } = row;
  const body = parsedFrom('{', row['body']);
  if (!isRecord(body)) return '"body" is not an object';
  if (method !== 'POST' && (method ?? null) !== null && shorten(method).toUpperCase() !== '"POST"')
    return `"method" is ${shorten(method)}, not "POST"`;
  const stray = strayKeyOf(row, body);
  if (stray !== undefined) return `"${stray}" is beside "body", where nothing reads it: move it into the body`;
  const endpoint = (url ?? null) === null ? endpointOf(body) : endpointOfUrl(url);
  return typeof endpoint === 'object' ? endpoint.reason : bodyDraft(endpoint, body);
}

function bodyDraft(endpoint: Endpoint, body: Row): Draft | RejectionReason {
  const [first, second] = promptKeys.filter((key) => (body[key] ?? null) !== null);
  if (second !== undefined) return twoPrompts(first!, second);
  const other = endpointOf(body);
  if (!(promptKeyOf[endpoint] in body) && promptKeyOf[other] in body)
    return `"url" is for a body with "${promptKeyOf[endpoint]}", and this one has "${promptKeyOf[other]}": write ${other}`;
  return endpoint === '/v1/chat/completions' ? chatDraft(body, body) : { endpoint, body, takesSystem: false };
}

const promptKeyOf = {
  '/v1/chat/completions': 'messages',
  '/v1/completions': 'prompt',
  '/v1/embeddings': 'input',
} as const;

const promptKeys = Object.values(promptKeyOf);

function endpointOf(body: Row): Endpoint {
  if ('messages' in body) return '/v1/chat/completions';
  return 'input' in body ? '/v1/embeddings' : '/v1/completions';
}

const twoPrompts = (first: string, second: string): RejectionReason =>
  `"${first}" and "${second}" are in one request, but only one of them can be sent: remove the other`;

function fromMessages(row: Row): Draft | RejectionReason {
  if ((row['prompt'] ?? null) !== null) return twoPrompts('messages', 'prompt');
  return chatDraft(settingsOf(row), row);
}

function fromPrompt(row: Row): Draft | RejectionReason {
  const { prompt, system } = row;
  if (isListOf(prompt, isRecord)) return chatDraft(settingsOf(row), { messages: prompt, system });
  const problem = checkText('prompt', prompt);
  return problem ?? chatDraft(settingsOf(row), { messages: [{ role: 'user', content: prompt }], system });
}

function fromTemplate(row: Row, template: PromptTemplate | null, text: string): Draft | RejectionReason {
  if (template === null) throw new TypeError('no template');
  const problem = template.problemOf(row);
  if (problem !== null) return problem;
  const content = template.render(row, text);
  if (content.trim() === '') return 'the prompt template gives an empty prompt';
  const settings = Object.fromEntries(template.settingsIn(row).map((name) => [name, row[name]]));
  const wrong = problemOfSettings(settings);
  if (wrong !== null) return wrong;
  return {
    endpoint: '/v1/chat/completions',
    body: { ...settings, messages: [{ role: 'user', content }] },
    takesSystem: true,
  };
}

/**
 * Makes a chat of a body's other keys, which it takes over, and of what is asked: messages, which may be JSON in a text,
 * and a system prompt beside them.
 */
function chatDraft(body: Row, asked: Row): Draft | RejectionReason {
  const parsed = parsedFrom('[', asked['messages']);
  const messages = isRecord(parsed) && 'role' in parsed ? [parsed] : parsed;
  const system = textOfBlocks(asked['system'] ?? '');
  if ('system' in body) delete body['system'];
  body['messages'] = messages;
  const draft: Draft = { endpoint: '/v1/chat/completions', body, takesSystem: true };
  if (system === '' || !Array.isArray(messages)) return draft;
  if (typeof system !== 'string') return `"system" is ${kindOf(system)}, not a text`;
  if (messages.some((message) => isRecord(message) && isSystem(message as never)))
    return '"system" is beside "messages" that have a system message: remove one of the two';
  body['messages'] = [{ role: 'system', content: system }, ...(messages as unknown[])];
  return draft;
}

/** What a text holds as JSON, where it begins as a list or an object does. */
function parsedFrom(opening: '[' | '{', value: unknown): unknown {
  if (typeof value !== 'string' || !value.trimStart().startsWith(opening)) return value;
  if (isDeeperThan(value, deepestNesting)) return value;
  try {
    const parsed: unknown = JSON.parse(value);
    return hasLoneSurrogate(parsed) ? value : parsed;
  } catch {
    return value;
  }
}

/** The text of a system prompt that is written in blocks, as Anthropic's API has it. */
const textOfBlocks = (value: unknown): unknown =>
  isListOf(value, isTextBlock) ? value.map(({ text }) => text).join('\n') : value;

const isTextBlock = (value: unknown): value is { text: string } => isRecord(value) && typeof value['text'] === 'string';
