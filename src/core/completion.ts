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

/** Facts that a backend may know of an attempt, however it ended. */
interface AttemptFacts {
  /** Time the request waited in the engine's own queue, where the engine says so. */
  queueMs?: number;
  /** Time to the first token, where only the engine can tell. */
  ttftMs?: number;
  /** Time that the engine took to read the prompt, where it says so. */
  promptMs?: number;
  /** The server's rate limit is used up: nothing at all is to be sent for so long. */
  pauseMs?: number;
  /** Facts about the end of the answer, beyond `finish_reason`. */
  finish?: Record<string, unknown>;
}

/** A whole answer of a backend. */
export interface Completion extends AttemptFacts {
  status: 'completed';
  body: ResponseBody;
}

/** A request that a backend could not answer. */
export interface Failure extends AttemptFacts {
  status: 'failed';
  kind: ErrorKind;
  /** A sentence for the user, with the next step where there is one. */
  message: string;
  /** The server's own status and body, where a server answered. */
  response?: { status_code: number; body: unknown };
  /** Milliseconds that the server asked to wait. */
  retryAfterMs?: number;
  /**
   * Tokens that the engine spent on the attempt, as it counted them itself; `noUsage` where nothing was sent, so that
   * nothing was spent. Absent: nobody counted. Then the tokens that came (`onToken`) are the least that it can have
   * cost, and an attempt that the engine refused (too many requests, a prompt that is too long) cost nothing.
   */
  usage?: Usage;
}

export type Answer = Completion | Failure;

/** Token counts of an attempt that never reached the engine. */
export const noUsage: Usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };

export function failure(kind: ErrorKind, message: string): Failure {
  return { status: 'failed', kind, message };
}

/** An answer that came and can't be accepted (cut, empty, against the schema): a failure that keeps what it cost. */
export function rejection({ body, ...facts }: Completion, kind: ErrorKind, message: string): Failure {
  return { ...facts, status: 'failed', kind, message, ...(body.usage === undefined ? {} : { usage: body.usage }) };
}

export const choiceText = (choice: Choice | undefined): string => choice?.message?.content ?? choice?.text ?? '';

/** The answer's text: the first choice's message or text. */
export const answerText = (body: ResponseBody): string => choiceText(body.choices?.[0]);

/** Builds an OpenAI-shaped body for an engine that has no wire format of its own; without `usage` where a count is missing. */
export function responseBody(answer: {
  id: string;
  model: string;
  chat: boolean;
  text: string;
  finishReason: string;
  /** Tokens of the prompt, as the engine counted them; undefined where it did not. */
  promptTokens?: number | undefined;
  /** Tokens of the answer, as the engine counted them; undefined where it did not. */
  completionTokens?: number | undefined;
  /** Tokens of the prompt that the engine had in its cache; absent where it does not say. */
  cachedTokens?: number;
}): ResponseBody {
  const { id, model, chat, text, finishReason } = answer;
  const choice: Choice = chat
    ? { index: 0, message: { role: 'assistant', content: text }, finish_reason: finishReason }
    : { index: 0, text, finish_reason: finishReason };
  return {
    id: `${chat ? 'chatcmpl' : 'cmpl'}-${id}`,
    object: chat ? 'chat.completion' : 'text_completion',
    created: Math.floor(Date.now() / 1000),
    model,
    choices: [choice],
    ...usageOf(answer),
  };
}

function usageOf({ promptTokens, completionTokens, cachedTokens }: Parameters<typeof responseBody>[0]): {
  usage?: Usage;
} {
  if (promptTokens === undefined || completionTokens === undefined) return {};
  return {
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens + completionTokens,
      ...(cachedTokens === undefined ? {} : { prompt_tokens_details: { cached_tokens: cachedTokens } }),
    },
  };
}
