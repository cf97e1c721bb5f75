import type { ErrorKind } from './errors.ts';

/** Token counts as the engine reports them; `cached_tokens` is there only where the engine reports it. */
export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  prompt_tokens_details?: { cached_tokens: number };
}

export interface Choice {
  index: number;
  message?: { role: 'assistant'; content: string | null; [key: string]: unknown };
  text?: string;
  finish_reason: string;
  [key: string]: unknown;
}

/** The body of an answer in OpenAI's shape: `chat.completion`, `text_completion`, or a `list` of embeddings. */
export interface ResponseBody {
  id: string;
  object: string;
  created: number;
  model: string;
  choices?: Choice[];
  data?: unknown[];
  /** Absent where the server counts nothing. */
  usage?: Usage;
  [key: string]: unknown;
}

/** A whole answer of a backend. */
export interface Completion {
  status: 'completed';
  body: ResponseBody;
  /** Time the request waited in the engine's own queue, where the engine says so. */
  queueMs?: number;
  /** Time to the first token, where only the engine can tell. */
  ttftMs?: number;
  /** As a failure's. */
  holdMs?: number;
  /** What the backend knows of how the answer ended, beyond `finish_reason`. */
  finish?: Record<string, unknown>;
}

/** A request that a backend could not answer. */
export interface Failure {
  status: 'failed';
  kind: ErrorKind;
  /** A sentence for the user, with the next step where there is one. */
  message: string;
  /** The server's own status and body, where a server answered. */
  response?: { status_code: number; body: unknown };
  /** How long the server asked to wait. */
  retryAfterMs?: number;
  /** The server's rate limit is used up: nothing at all is to be sent for so long. */
  holdMs?: number;
}

export type Answer = Completion | Failure;

export function failure(kind: ErrorKind, message: string): Failure {
  return { status: 'failed', kind, message };
}

export const choiceText = (choice: Choice | undefined): string => choice?.message?.content ?? choice?.text ?? '';

/** The answer's text: the first choice's message or text. */
export const answerText = (body: ResponseBody): string => choiceText(body.choices?.[0]);

/** Builds an OpenAI-shaped body for an engine that has no wire format of its own. */
export function responseBody(answer: {
  id: string;
  model: string;
  chat: boolean;
  text: string;
  finishReason: string;
  promptTokens: number;
  completionTokens: number;
  cachedTokens?: number;
}): ResponseBody {
  const { id, model, chat, text, finishReason, promptTokens, completionTokens, cachedTokens } = answer;
  const choice: Choice = chat
    ? { index: 0, message: { role: 'assistant', content: text }, finish_reason: finishReason }
    : { index: 0, text, finish_reason: finishReason };
  return {
    id: `${chat ? 'chatcmpl' : 'cmpl'}-${id}`,
    object: chat ? 'chat.completion' : 'text_completion',
    created: Math.floor(Date.now() / 1000),
    model,
    choices: [choice],
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens + completionTokens,
      ...(cachedTokens === undefined ? {} : { prompt_tokens_details: { cached_tokens: cachedTokens } }),
    },
  };
}
