import type { Choice, ResponseBody, Usage } from '../../core/completion.ts';
import { isRecord } from '../../core/is-record.ts';
import type { BatchRequest, Endpoint } from '../../core/request.ts';

type Fields = Record<string, unknown>;

const objects: Record<Endpoint, string> = {
  '/v1/chat/completions': 'chat.completion',
  '/v1/completions': 'text_completion',
  '/v1/embeddings': 'list',
};

/** What the server said, in OpenAI's order, which the resume scan reads fastest. What only this server says stays. */
export function bodyOf(answer: Fields, { id: requestId, endpoint, body }: BatchRequest): ResponseBody {
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

/** Where a server gives a number twice, or what is none, the places count. */
function numbered(choices: Choice[]): Choice[] {
  const numbers = new Set(choices.map(({ index }) => (Number.isSafeInteger(index) && index >= 0 ? index : null)));
  const isClear = numbers.size === choices.length && !numbers.has(null);
  return isClear ? choices : choices.map((choice, index) => ({ ...choice, index }));
}

/** Counts that the server does not give, or that can't be, are not there: nobody knows them. An embedding has no completion. */
export function usageOf(usage: unknown, endpoint: Endpoint): { usage?: Usage } {
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

const mostTokens = 2 ** 40;

export const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) < mostTokens;

function cachedIn(details: unknown): Pick<Usage, 'prompt_tokens_details'> {
  if (!isRecord(details) || !isCount(details['cached_tokens'])) return {};
  return { prompt_tokens_details: { cached_tokens: details['cached_tokens'] } };
}

const given = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined));
