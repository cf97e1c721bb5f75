/** The three kinds of request, by the names of the OpenAI Batch format. */
export const endpoints = ['/v1/chat/completions', '/v1/completions', '/v1/embeddings'] as const;
export type Endpoint = (typeof endpoints)[number];

/** One message of a chat, in OpenAI's shape: content is text, or a list of parts (`{type:'text', text}`, ...). */
export interface ChatMessage {
  role: string;
  content: string | null | ContentPart[];
  [key: string]: unknown;
}

export interface ContentPart {
  type: string;
  text?: string;
  [key: string]: unknown;
}

/**
 * The body of a request, in OpenAI's shape: one of `messages`, `prompt`, `input`, beside the sampling keys.
 * The flags of the run are already filled in where the line has no value of its own.
 */
export interface RequestBody {
  model: string;
  messages?: ChatMessage[];
  prompt?: string;
  input?: string | string[];
  [key: string]: unknown;
}

/** One request as the scheduler and the backends see it. */
export interface BatchRequest {
  /** `custom_id`, else `id`, else `line-<number>`. */
  id: string;
  /** Line of the input, from 1 (a CSV's header is line 1). */
  line: number;
  endpoint: Endpoint;
  body: RequestBody;
  /**
   * The row that stays with the result, a JSON object on one line: all fields of a row that fills a template, else those
   * that are no keys of the request. It is the text of the input, so that numbers and the order of keys stay as written.
   */
  rowJson?: string;
  /** Bytes of its line in the input; absent where it was not read from there to be sent. */
  bytes?: number;
  /** The parsed row, all of it, in place of `rowJson` while the input is only looked at. */
  row?: Readonly<Record<string, unknown>>;
}

/** The tokens that an answer may have: `max_completion_tokens`, else `max_tokens`; null where neither is given. */
export function maxTokensOf(body: RequestBody): number | null {
  for (const limit of [body['max_completion_tokens'], body['max_tokens']]) if (typeof limit === 'number') return limit;
  return null;
}

/** Names a request in a message: `the request "a" (line 1)`. */
export const describeRequest = ({ id, line }: BatchRequest): string =>
  `the request ${JSON.stringify(id)} (line ${line})`;

/** A line that can't become a request. It becomes a failed result of kind `input`. */
export interface RejectedLine {
  id: string;
  line: number;
  reason: string;
  /** As of a request; absent where the line can't be parsed. */
  rowJson?: string;
  /** As of a request, while the input is only looked at. */
  row?: Readonly<Record<string, unknown>>;
  /** Nothing else is wrong with it than that an earlier line has its id. */
  isRepeated?: true;
  /** `record` where `line` counts the records of a file whose lines do not. */
  unit?: 'record' | undefined;
}

/** Names the place of a line in a message: `line 3`, or `record 3`. */
export const placeOf = ({ line, unit }: Pick<RejectedLine, 'line' | 'unit'>): string => `${unit ?? 'line'} ${line}`;

/** The request, or the rejection, that a line of the input became. */
export type ReadLine = BatchRequest | RejectedLine;
export const isRejected = (line: ReadLine): line is RejectedLine => 'reason' in line;

/** A line with its row of the `RowTable`, on its way to the engine. */
export interface WorkItem {
  row: number;
  read: ReadLine;
}

/** The system prompt that starts a chat ('' where there is none): requests are grouped by it. */
export function systemPromptOf(body: RequestBody): string {
  const first = body.messages?.[0];
  return first !== undefined && isSystem(first) ? textOf(first.content) : '';
}

export const isSystem = (message: ChatMessage): boolean => message.role === 'system' || message.role === 'developer';

/**
 * Says whether the answer continues the last message. An assistant's last message is continued, unless the request says
 * otherwise by the keys that `vllm serve` and `llama-server` have for it.
 */
export function continuesLastMessage(body: Partial<RequestBody>): boolean {
  const { messages, continue_final_message: said, add_generation_prompt: opens } = body;
  if (typeof said === 'boolean') return said;
  return messages?.at(-1)?.role === 'assistant' && opens !== true;
}

/**
 * The text of a message's content: its parts one a line, as `vllm serve` and `llama-server` have it; parts that are not
 * text count as nothing.
 */
export function textOf(content: ChatMessage['content']): string {
  if (typeof content === 'string') return content;
  if (content === null) return '';
  const texts = content.map(({ text }) => text).filter((text) => typeof text === 'string');
  return texts.join('\n');
}
