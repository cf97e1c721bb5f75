import { ApiError } from '../http/api-error.ts';

/** A list as OpenAI's clients page through it: they ask for what comes after `last_id` until `has_more` is false. */
interface Page<Item> {
  object: 'list';
  data: Item[];
  first_id: string | null;
  last_id: string | null;
  has_more: boolean;
}

/**
 * Cuts the page out of a list that a query asks for by `limit` (1 to `limits.max`, in its absence `limits.usual`) and `after` (an id).
 * Throws an `ApiError` 400 for a limit out of these bounds, and for an id that the list does not have.
 */
export function pageOf<Item extends { id: string }>(
  items: readonly Item[],
  query: URLSearchParams,
  limits: { max: number; usual: number },
): Page<Item> {
  const limit = readLimit(query.get('limit'), limits);
  const after = query.get('after');
  const start = after === null ? 0 : items.findIndex(({ id }) => id === after) + 1;
  if (after !== null && start === 0) {
    throw new ApiError(400, `after: there is no ${JSON.stringify(after)} in this list`, {
      code: 'invalid_value',
      param: 'after',
    });
  }
  const data = items.slice(start, start + limit);
  return {
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: start + limit < items.length,
  };
}

function readLimit(text: string | null, { max, usual }: { max: number; usual: number }): number {
  if (text === null) return usual;
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > max)
    throw new ApiError(400, `limit must be a whole number from 1 to ${max}`, { code: 'invalid_value', param: 'limit' });
  return limit;
}
