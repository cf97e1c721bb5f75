import { shorten } from '../text/format.ts';
import { isRecord } from '../data/is-record.ts';
import { type ChatMessage, type Endpoint, type RequestBody, endpoints } from '../core/request.ts';
import type { PromptTemplate } from './template/prompt-template.ts';

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

interface LineFormat {
  /** Fields of the row that are keys of the request; the others stay with the result. */
  used: ReadonlySet<string>;
  matches: (row: Row, template: PromptTemplate | null) => boolean;
  /** Makes a request of a row, and of the JSON text that it stands in. */
  toDraft: (row: Row, template: PromptTemplate | null, text: string) => Draft | RejectionReason;
}

/**
 * Keys of a plain row that are settings of its request, not data: an engine that does not know one refuses it, rather
 * than that an answer is a success without what was asked for.
 */
const settingKeys = new Set(
  (
    'model temperature max_tokens max_completion_tokens seed stop top_p top_k min_p n frequency_penalty ' +
    'presence_penalty repeat_penalty repetition_penalty logprobs top_logprobs response_format tools tool_choice ' +
    'logit_bias reasoning_effort chat_template_kwargs structured_outputs guided_json guided_choice guided_regex ' +
    'guided_grammar guided_json_object json_schema structural_tag min_tokens ignore_eos stop_token_ids ' +
    'prompt_logprobs continue_final_message add_generation_prompt parallel_tool_calls extra_body'
  ).split(' '),
);
const idKeys = ['custom_id', 'id'];
const batchKeys = new Set([...idKeys, 'method', 'url', 'body']);
const messageKeys = new Set([...idKeys, ...settingKeys, 'messages']);
const promptKeys = new Set([...idKeys, ...settingKeys, 'prompt', 'system']);

/** A row of any fields. All of it stays with the result. */
export const templateFormat: LineFormat = {
  used: new Set(),
  matches: (_row, template) => template !== null,
  toDraft: fromTemplate,
};

/**
 * The formats in order of precedence: the first that matches a row reads it. With a template, a text called "body" is a
 * field like any other.
 */
const formats: readonly LineFormat[] = [
  {
    used: batchKeys,
    matches: (row, template) => 'body' in row && (template === null || isRecord(row['body'])),
    toDraft: fromOpenaiBatch,
  },
  {
    used: messageKeys,
    matches: (row, template) => 'messages' in row && (template === null || Array.isArray(row['messages'])),
    toDraft: fromMessages,
  },
  templateFormat,
  { used: promptKeys, matches: (row) => 'prompt' in row, toDraft: fromPrompt },
];

const unknownFormat: LineFormat = {
  used: new Set(),
  matches: () => true,
  toDraft: () =>
    'no prompt: the line has none of "body", "messages", "prompt"; fields of other names need --prompt-template',
};

export const lineFormatOf = (row: Row, template: PromptTemplate | null): LineFormat =>
  formats.find(({ matches }) => matches(row, template)) ?? unknownFormat;

function fromOpenaiBatch(row: Row): Draft | RejectionReason {
  const { body, method, url } = row;
  if (!isRecord(body)) return '"body" is not an object';
  if (method !== undefined && method !== 'POST') return `"method" is ${shorten(method)}, not "POST"`;
  const endpoint = url === undefined ? endpointOf(body) : endpoints.find((known) => known === url);
  if (endpoint === undefined) return `"url" is ${shorten(url)}, not one of ${endpoints.join(', ')}`;
  return {
    endpoint,
    body,
    takesSystem: endpoint === '/v1/chat/completions',
  };
}

function endpointOf(body: Row): Endpoint {
  if ('messages' in body) return '/v1/chat/completions';
  return 'input' in body ? '/v1/embeddings' : '/v1/completions';
}

function fromMessages(row: Row): Draft {
  return chatDraft(row, row['messages'] as ChatMessage[]);
}

function fromPrompt(row: Row): Draft | RejectionReason {
  const { prompt, system } = row;
  if (typeof prompt !== 'string') return `"prompt" is ${kindOf(prompt)}, not a text`;
  if (system !== undefined && system !== null && typeof system !== 'string') {
    return `"system" is ${kindOf(system)}, not a text`;
  }
  if (prompt === '') return '"prompt" is empty';
  const user: ChatMessage = { role: 'user', content: prompt };
  const messages = typeof system === 'string' ? [{ role: 'system', content: system }, user] : [user];
  return chatDraft(row, messages);
}

function fromTemplate(row: Row, template: PromptTemplate | null, text: string): Draft | RejectionReason {
  if (template === null) throw new TypeError('no template');
  const problem = template.problemOf(row);
  if (problem !== null) return problem;
  const content = template.render(row, text);
  if (content.trim() === '') return 'the prompt template gives an empty prompt';
  return {
    endpoint: '/v1/chat/completions',
    body: { messages: [{ role: 'user', content }] },
    takesSystem: true,
  };
}

function chatDraft(row: Row, messages: ChatMessage[]): Draft {
  const settings = Object.entries(row).filter(([key]) => settingKeys.has(key));
  return {
    endpoint: '/v1/chat/completions',
    body: { messages, ...Object.fromEntries(settings) },
    takesSystem: true,
  };
}

export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
