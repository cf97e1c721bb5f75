import {
  type Answer,
  type Choice,
  type Completion,
  type Failure,
  failure,
  rejection,
  type ResponseBody,
  type Usage,
} from '../../../core/completion.ts';
import { isRecord } from '../../../data/is-record.ts';
import type { BatchRequest, Endpoint } from '../../../core/request.ts';
import { oneLine } from '../../../text/one-line.ts';
import { classifyErrorBody, errorIn } from '../http/classify-error.ts';
import { withTextContent } from './content-parts.ts';
import { cutByWindow } from './cut-answer.ts';
import { isFailedReason, isKnownReason, ourReason } from './finish-reasons.ts';

type Fields = Record<string, unknown>;

/**
 * Checks that what a server sent with its success is a whole answer. `contextTokens` is the size of its window, null
 * where it isn't known.
 */
export function readAnswer(sent: unknown, request: BatchRequest, contextTokens: number | null): Answer {
  if (!isRecord(sent)) return failure('invalid-response', 'The answer of the server is not a JSON object.');
  const body = withCached(sent);
  const { usage } = body;
  const error = errorIn(body);
  if (error !== undefined) return withUsage(classifyErrorBody(error), usage);
  const isEmbedding = request.endpoint === '/v1/embeddings';
  const said = isEmbedding ? body : inOurWords(body);
  const problem = isEmbedding ? embeddingProblem(said, request) : choicesProblem(said, request);
  if (problem !== null) return withUsage(problem, usage);
  const answer: Completion = { status: 'completed', body: bodyOf(said, request) };
  const cut = isEmbedding ? null : cutByWindow(answer.body, request, contextTokens);
  return cut === null ? answer : rejection(answer, cut.kind, cut.message);
}

/** Older llama-servers tell how many prompt tokens were cached beside `usage` only: in `timings`. */
function withCached(body: Fields): Fields {
  const { usage, timings } = body;
  const cached = isRecord(timings) ? timings['cache_n'] : null;
  if (!isRecord(usage) || !isCount(cached)) return body;
  return {
    ...body,
    usage: { ...usage, prompt_tokens_details: usage['prompt_tokens_details'] ?? { cached_tokens: cached } },
  };
}

/** Translates the choices of a server into OpenAI's finish reasons and contents. */
function inOurWords({ choices, ...others }: Fields): Fields {
  return { ...others, choices: Array.isArray(choices) ? choices.map(choiceInOurWords) : choices };
}

function choiceInOurWords(choice: unknown): unknown {
  if (!isRecord(choice)) return choice;
  const { message, finish_reason: reason } = choice;
  return {
    ...choice,
    ...(isRecord(message) ? { message: withTextContent(message) } : {}),
    ...(typeof reason === 'string' ? { finish_reason: ourReason(reason) } : {}),
  };
}

/** Adds the token counts to a failure: a refused answer may have cost tokens all the same. */
export const withUsage = (failed: Failure, usage: unknown): Failure => ({
  ...failed,
  ...usageOf(usage, '/v1/chat/completions'),
});

function embeddingProblem({ data }: Fields, { body: { input } }: BatchRequest): Failure | null {
  const isWhole =
    Array.isArray(data) &&
    data.length === (Array.isArray(input) && typeof input[0] === 'string' ? input.length : 1) &&
    data.every((row) => isRecord(row) && isEmbedding(row['embedding']));
  return isWhole ? null : failure('invalid-response', 'The server did not answer with an embedding for each input.');
}

/** Numbers, or base64 of them. JSON knows no NaN: servers write null. */
const isEmbedding = (value: unknown): boolean =>
  typeof value === 'string' ? value !== '' : Array.isArray(value) && value.length > 0 && value.every(Number.isFinite);

function choicesProblem({ choices, usage }: Fields, { endpoint }: BatchRequest): Failure | null {
  if (!Array.isArray(choices)) return failure('invalid-response', 'The answer of the server has no choices.');
  if (choices.length === 0) return failure('server-error', 'The server answered with an empty list of choices.');
  const isChat = endpoint === '/v1/chat/completions';
  for (const choice of choices) {
    const problem = choiceProblem(choice, isChat);
    if (problem !== null) return problem;
  }
  return emptyProblem(choices as Choice[], usage);
}

function choiceProblem(choice: unknown, isChat: boolean): Failure | null {
  const said = isRecord(choice) && isChat ? choice['message'] : choice;
  if (!isRecord(choice) || !isRecord(said) || !isText(said[isChat ? 'content' : 'text']))
    return failure('invalid-response', 'A choice of the answer has no text.');
  const { refusal } = said;
  if (typeof refusal === 'string' && refusal !== '')
    return failure('refused', `The model refuses: ${oneLine(refusal.slice(0, 500))}`);
  return reasonProblem(choice['finish_reason']);
}

const isText = (value: unknown): boolean => typeof value === 'string' || value === null || value === undefined;

function reasonProblem(reason: unknown): Failure | null {
  if (reason === undefined || reason === null || reason === '')
    return failure('server-error', 'The server ended the answer without a finish_reason: it may be cut.');
  if (typeof reason !== 'string') return failure('invalid-response', 'The finish_reason of the answer is not a text.');
  if (isKnownReason(reason)) return null;
  return failure(
    isFailedReason(reason) ? 'server-error' : 'invalid-response',
    `The server ended the answer with "${oneLine(reason.slice(0, 100))}".`,
  );
}

/**
 * An empty answer is one where the model said so, by a token that ends it. None at all is what is left of a failure.
 */
function emptyProblem(choices: readonly Choice[], usage: unknown): Failure | null {
  const tokens = isRecord(usage) ? usage['completion_tokens'] : null;
  if (isCount(tokens) && tokens > 0) return null;
  const isEmpty = choices.every(({ message, text, finish_reason: reason }) => {
    const { role: _role, ...said } = message ?? { role: null, text };
    return reason === 'stop' && Object.values(said).every(isNothing);
  });
  return isEmpty ? failure('server-error', 'The server answered with nothing at all, not one token.') : null;
}

const isNothing = (value: unknown): boolean =>
  value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0);

type BodyFields = Record<string, unknown>;

const objects: Record<Endpoint, string> = {
  '/v1/chat/completions': 'chat.completion',
  '/v1/completions': 'text_completion',
  '/v1/embeddings': 'list',
};

/**
 * Builds the response body in OpenAI's order of keys, which the resume scan reads fastest. Keys of this server's own
 * stay.
 */
function bodyOf(answer: BodyFields, { id: requestId, endpoint, body }: BatchRequest): ResponseBody {
  const { id, object, created, model, choices, data, usage, ...others } = answer;
  return {
    id: typeof id === 'string' ? id : requestId,
    object: typeof object === 'string' ? object : objects[endpoint],
    created: typeof created === 'number' ? created : Math.floor(Date.now() / 1000),
    model: typeof model === 'string' ? model : body.model,
    ...(Array.isArray(choices) ? { choices: numbered(choices as Choice[]) } : {}),
    ...(data === undefined ? {} : { data: data as unknown[] }),
    ...usageOf(usage, endpoint),
    ...given(others),
  };
}

/** Numbers the choices by their place where the server gives an index twice, or an invalid one. */
function numbered(choices: Choice[]): Choice[] {
  const numbers = new Set(choices.map(({ index }) => (Number.isSafeInteger(index) && index >= 0 ? index : null)));
  const isClear = numbers.size === choices.length && !numbers.has(null);
  return isClear ? choices : choices.map((choice, index) => ({ ...choice, index }));
}

/**
 * Token counts of the answer. Counts that the server does not give, or that are impossible, are left out. An embedding
 * has no completion tokens.
 */
function usageOf(usage: unknown, endpoint: Endpoint): { usage?: Usage } {
  if (!isRecord(usage)) return {};
  const {
    prompt_tokens: prompt,
    completion_tokens: completion = endpoint === '/v1/embeddings' ? 0 : null,
    total_tokens: _total,
    prompt_tokens_details,
    ...others
  } = usage;
  if (!isCount(prompt) || !isCount(completion)) return {};
  const counts = { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
  return { usage: { ...counts, ...cachedIn(prompt_tokens_details), ...given(others) } };
}

const maxTokens = 2 ** 40;

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) < maxTokens;

function cachedIn(details: unknown): Pick<Usage, 'prompt_tokens_details'> {
  if (!isRecord(details) || !isCount(details['cached_tokens'])) return {};
  return { prompt_tokens_details: { cached_tokens: details['cached_tokens'] } };
}

const given = (fields: BodyFields): BodyFields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined));
