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
    ...(choices === undefined ? {} : { choices: choices as Choice[] }),
    ...(data === undefined ? {} : { data: data as unknown[] }),
    ...usageOf(usage),
    ...given(others),
  };
}

/** Counts that the server does not give are not there: nobody knows them. An embedding has no completion. */
function usageOf(usage: unknown): { usage?: Usage } {
  if (!isRecord(usage)) return {};
  const {
    prompt_tokens: prompt,
    completion_tokens: completion = 0,
    total_tokens: _total,
    prompt_tokens_details,
    ...others
  } = usage;
  if (typeof prompt !== 'number' || typeof completion !== 'number') return {};
  const counts = { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
  return { usage: { ...counts, ...cachedIn(prompt_tokens_details), ...given(others) } };
}

function cachedIn(details: unknown): Pick<Usage, 'prompt_tokens_details'> {
  if (!isRecord(details) || typeof details['cached_tokens'] !== 'number') return {};
  return { prompt_tokens_details: { cached_tokens: details['cached_tokens'] } };
}

const given = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined));
