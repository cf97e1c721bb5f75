import type { IncomingHttpHeaders } from 'node:http';
import type { Notify } from '../../core/events.ts';
import { type NewBatch, isSameBatch, newRecord, readNewBatch } from '../batches/new-batch.ts';
import { batchObject } from '../batches/batch-object.ts';
import { ApiError } from '../http/api-error.ts';
import { clientOf } from '../http/client-of.ts';
import { readJson } from '../http/read-body.ts';
import type { ApiRequest, Route } from '../http/route.ts';
import { sendJson } from '../http/send.ts';
import type { BatchQueue } from '../queue/batch-queue.ts';
import { type BatchRecord, isOver } from '../store/batch-record.ts';
import type { Store } from '../store/store.ts';
import { pageOf } from './paging.ts';

interface BatchRoutesDeps {
  store: Pick<Store, 'files' | 'batches'>;
  queue: BatchQueue;
  notify: Notify;
}

/**
 * `/v1/batches` as OpenAI has it: create, retrieve, list and cancel, and of our own pause and resume. All of them answer with a
 * Batch, or with a list of them.
 */
export function batchRoutes(deps: BatchRoutesDeps): Route[] {
  const { store, queue } = deps;
  const create = inTurn((request: ApiRequest, body: unknown) => createBatch(deps, request, body));
  const recordOf = ({ params: { id = '' } }: ApiRequest): BatchRecord => {
    const record = store.batches.find(id);
    if (record === null) throw new ApiError(404, `there is no batch ${id}`, { param: 'batch_id' });
    return record;
  };
  /** A route that changes a batch which is not over. */
  const change = (verb: string, act: (id: string, by: string) => Promise<unknown>): Route => ({
    method: 'POST',
    path: `/v1/batches/:id/${verb}`,
    async handle(request, response) {
      const { id, status } = recordOf(request);
      if (isOver({ status })) throw new ApiError(409, `can't ${verb} a batch whose status is "${status}"`);
      await act(id, clientOf(request.message));
      sendJson(response, 200, batchObject(recordOf(request), queue));
    },
  });
  return [
    {
      method: 'POST',
      path: '/v1/batches',
      async handle(request, response) {
        const record = await create(request, await readJson(request));
        sendJson(response, 200, batchObject(record, queue));
      },
    },
    {
      method: 'GET',
      path: '/v1/batches',
      async handle({ query }, response) {
        sendJson(response, 200, listBatches(store.batches.list(), queue, query));
      },
    },
    {
      method: 'GET',
      path: '/v1/batches/:id',
      async handle(request, response) {
        sendJson(response, 200, batchObject(recordOf(request), queue));
      },
    },
    change('cancel', (id) => queue.cancel(id)),
    change('pause', (id, by) => queue.pause(id, by)),
    change('resume', (id, by) => queue.resume(id, by)),
  ];
}

/** Lets one call wait for the one before it: two equal requests at a time must not miss each other. */
function inTurn<Args extends unknown[], Result>(
  work: (...args: Args) => Promise<Result>,
): (...args: Args) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (...args) => {
    const result = last.then(() => work(...args));
    last = result.catch(() => undefined);
    return result;
  };
}

async function createBatch(
  { store, queue, notify }: BatchRoutesDeps,
  { message: { headers } }: ApiRequest,
  body: unknown,
): Promise<BatchRecord> {
  const asked = readNewBatch(body);
  const createdAt = Math.floor(Date.now() / 1000);
  const earlier = findEarlier(store.batches.list(), asked, { headers, now: createdAt });
  if (earlier !== null) {
    notify({
      topic: 'serve',
      text: `a request to create a batch was sent twice: the answer is the existing batch ${earlier.id}`,
    });
    return earlier;
  }
  checkFile(store, asked);
  const record = newRecord(asked, createdAt, keyIn(headers));
  await store.batches.add(record);
  queue.submit(record.id);
  return record;
}

function checkFile({ files }: Pick<Store, 'files'>, { inputFileId }: NewBatch): void {
  const file = files.find(inputFileId);
  const param = 'input_file_id';
  if (file === null) throw new ApiError(400, `there is no file ${inputFileId}`, { code: 'file_not_found', param });
  if (file.purpose !== 'batch')
    throw new ApiError(400, `the purpose of ${inputFileId} is "${file.purpose}", not "batch"`, {
      code: 'invalid_file_purpose',
      param,
    });
}

/** Seconds within which a client that got no answer sends its request again. */
const retrySeconds = 60;

/**
 * The batch that an equal request made before; null where this one is to make its own. A client says so by a key, or by its count
 * of tries, which OpenAI's clients send with each request. A key that was used for another request is refused.
 */
function findEarlier(
  batches: readonly BatchRecord[],
  asked: NewBatch,
  { headers, now }: { headers: IncomingHttpHeaders; now: number },
): BatchRecord | null {
  const key = keyIn(headers);
  const ofKey = key === null ? undefined : batches.find(({ idempotencyKey }) => idempotencyKey === key);
  if (ofKey !== undefined) {
    if (isSameBatch(asked, ofKey)) return ofKey;
    throw new ApiError(422, 'this Idempotency-Key was used for another batch', { code: 'idempotency_key_reused' });
  }
  if (!(Number(headers['x-stainless-retry-count'] ?? 0) > 0)) return null;
  const isRecent = ({ createdAt }: BatchRecord): boolean => createdAt >= now - retrySeconds;
  return batches.find((record) => isRecent(record) && isSameBatch(asked, record)) ?? null;
}

const maxKeyCharacters = 255;

function keyIn(headers: IncomingHttpHeaders): string | null {
  const key = headers['idempotency-key'] ?? '';
  if (key.length > maxKeyCharacters)
    throw new ApiError(400, `an Idempotency-Key has at most ${maxKeyCharacters} characters`);
  return key === '' ? null : String(key);
}

/** OpenAI's bounds: a page has at most 100 batches, and 20 where no limit is given. */
const pageLimits = { max: 100, usual: 20 };

/** The newest first. */
function listBatches(batches: readonly BatchRecord[], queue: BatchQueue, query: URLSearchParams): object {
  const state = queue.state();
  const live = { ...queue, state: () => state };
  const page = pageOf(batches, query, pageLimits);
  return { ...page, data: page.data.map((record) => batchObject(record, live)) };
}
