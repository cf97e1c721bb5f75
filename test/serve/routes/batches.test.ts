import { expect, test } from 'vitest';
import { batchRoutes } from '../../../src/serve/routes/batches.ts';
import type { BatchQueue } from '../../../src/serve/queue/batch-queue.ts';
import { openServer } from '../http/open-server.ts';
import { batchLine, openTestStore } from '../open-test-store.ts';
import { createSmallQueue } from './small-queue.ts';

interface Answer {
  status: number;
  body: Record<string, unknown> & { id: string; data: { id: string }[]; error: Record<string, unknown> };
}

async function openBatches() {
  const opened = await openTestStore();
  const { store } = opened;
  const small = createSmallQueue();
  const submitted: string[] = [];
  const asked: string[] = [];
  const queue = {
    ...small.queue,
    problemOf: () => null,
    submit: (id: string) => void submitted.push(id),
    async cancel(id: string) {
      return store.batches.update(id, { status: 'cancelling' });
    },
    async pause(id: string, by: string) {
      asked.push(`pause ${id} ${by}`);
      await store.batches.update(id, { paused: { by, since: '2026-01-01T00:00:00.000Z' } });
    },
    async resume(id: string) {
      await store.batches.update(id, { paused: null });
    },
    close: async () => {},
  } as unknown as BatchQueue;
  const { url, notices } = await openServer(batchRoutes({ store, queue, notify: (notice) => notices.push(notice) }));
  const ask = async (path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> => {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const response = await fetch(`${url}${path}`, {
      ...init,
      headers: { 'Content-Type': 'application/json', ...headers },
    });
    return { status: response.status, body: (await response.json()) as Answer['body'] };
  };
  const input_file_id = await opened.upload(batchLine('a'));
  const wanted = { input_file_id, endpoint: '/v1/chat/completions', completion_window: '24h' };
  return { ...opened, small, submitted, asked, notices, ask, wanted };
}

test('a batch is created, on disk and in the queue before it is answered, and can be asked for', async () => {
  const { store, ask, wanted, submitted } = await openBatches();
  const metadata = { priority: '-3', name: 'x' };
  const { status, body } = await ask('/v1/batches', {
    ...wanted,
    metadata,
    completion_window: '2h',
    output_expires_after: { anchor: 'created_at', seconds: 3600 },
  });
  expect(status).toBe(200);
  const createdAt = Number(body['created_at']);
  expect(body).toEqual({
    id: expect.stringMatching(/^batch_[\da-f]{24}$/),
    object: 'batch',
    endpoint: '/v1/chat/completions',
    model: null,
    errors: null,
    input_file_id: wanted.input_file_id,
    completion_window: '2h',
    status: 'validating',
    output_file_id: null,
    error_file_id: null,
    created_at: createdAt,
    in_progress_at: null,
    expires_at: createdAt + 7200,
    finalizing_at: null,
    completed_at: null,
    failed_at: null,
    expired_at: null,
    cancelling_at: null,
    cancelled_at: null,
    request_counts: { total: 0, completed: 0, failed: 0 },
    usage: null,
    metadata,
    llmbatch: { state: 'waiting', priority: -3, position: null, paused: null, problem: null, progress: null },
  });
  expect(submitted).toEqual([body.id]);
  expect(store.batches.find(body.id)).toMatchObject({ priority: -3, outputExpiresAfter: 3600 });
  expect(await ask(`/v1/batches/${body.id}`)).toEqual({ status: 200, body });
  expect((await ask('/v1/batches/batch_none')).status).toBe(404);
});

const longText = 'x'.repeat(513);
const pairs = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 'v']));

test.each<[string, Record<string, unknown>, string, string]>([
  ['no file', { input_file_id: undefined }, 'input_file_id', 'missing_required_parameter'],
  ['an unknown file', { input_file_id: 'file-none' }, 'input_file_id', 'file_not_found'],
  ['a path as file', { input_file_id: '../../etc/passwd' }, 'input_file_id', 'file_not_found'],
  ['no endpoint', { endpoint: undefined }, 'endpoint', 'missing_required_parameter'],
  ['an endpoint that is not served', { endpoint: '/v1/responses' }, 'endpoint', 'invalid_value'],
  ['a window of no hours', { completion_window: '0h' }, 'completion_window', 'invalid_value'],
  ['a window in days', { completion_window: '1d' }, 'completion_window', 'invalid_value'],
  ['a window as a number', { completion_window: 24 }, 'completion_window', 'invalid_value'],
  ['17 pairs of metadata', { metadata: pairs(17) }, 'metadata', 'invalid_value'],
  ['a long key', { metadata: { [longText.slice(0, 65)]: 'v' } }, `metadata.${'x'.repeat(65)}`, 'invalid_value'],
  ['a long value', { metadata: { k: longText } }, 'metadata.k', 'invalid_value'],
  ['a number as value', { metadata: { k: 1 } }, 'metadata.k', 'invalid_value'],
  ['a priority that is no integer', { metadata: { priority: '1.5' } }, 'metadata.priority', 'invalid_value'],
  ['an empty priority', { metadata: { priority: '' } }, 'metadata.priority', 'invalid_value'],
  [
    'too short a life of the output',
    { output_expires_after: { anchor: 'created_at', seconds: 3599 } },
    'output_expires_after.seconds',
    'invalid_value',
  ],
  [
    'too long a life of the output',
    { output_expires_after: { anchor: 'created_at', seconds: 2_592_001 } },
    'output_expires_after.seconds',
    'invalid_value',
  ],
  [
    'another anchor',
    { output_expires_after: { anchor: 'now', seconds: 3600 } },
    'output_expires_after.anchor',
    'invalid_value',
  ],
  ['an unknown key', { model: 'x' }, 'model', 'unknown_parameter'],
])('%s is refused by its name', async (_what, changes, param, code) => {
  const { ask, wanted, store } = await openBatches();
  const { status, body } = await ask('/v1/batches', { ...wanted, ...changes });
  expect([status, body.error]).toEqual([
    400,
    { message: expect.any(String), type: 'invalid_request_error', param, code },
  ]);
  expect(store.batches.list()).toEqual([]);
});

test('what just fits is taken', async () => {
  const { ask, wanted } = await openBatches();
  const metadata = { ...pairs(15), ['k'.repeat(64)]: 'v'.repeat(512) };
  const { status } = await ask('/v1/batches', {
    ...wanted,
    metadata,
    output_expires_after: null,
    endpoint: '/chat/completions',
  });
  expect(status).toBe(200);
});

test.each([[[]], ['text'], [null]])('a body that is no object is refused: %j', async (body) => {
  const { ask } = await openBatches();
  expect(await ask('/v1/batches', body)).toMatchObject({ status: 400, body: { error: { param: null } } });
});

test('a file that is not for batches is refused', async () => {
  const { ask, wanted, store } = await openBatches();
  const draft = await store.files.begin();
  const { id } = await draft.keep({ filename: 'out', purpose: 'batch_output', expiresAt: null });
  const { status, body } = await ask('/v1/batches', { ...wanted, input_file_id: id });
  expect([status, body.error['code']]).toEqual([400, 'invalid_file_purpose']);
});

test('equal requests with one key make one batch, also at a time; the key is refused for another one', async () => {
  const { ask, wanted, store, submitted } = await openBatches();
  const key = { 'Idempotency-Key': 'once' };
  const answers = await Promise.all(Array.from({ length: 8 }, () => ask('/v1/batches', wanted, key)));
  expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
  expect([store.batches.list().length, submitted.length]).toEqual([1, 1]);
  const other = await ask('/v1/batches', { ...wanted, metadata: { a: 'b' } }, key);
  expect([other.status, other.body.error['code']]).toEqual([422, 'idempotency_key_reused']);
  await ask('/v1/batches', wanted, { 'Idempotency-Key': 'twice' });
  expect(store.batches.list()).toHaveLength(2);
});

test('a request that its client sends again is answered with the batch of the first; one that is only equal is not', async () => {
  const { ask, wanted, notices } = await openBatches();
  const first = await ask('/v1/batches', wanted, { 'x-stainless-retry-count': '0' });
  const again = await ask('/v1/batches', wanted, { 'x-stainless-retry-count': '1' });
  expect(again.body.id).toBe(first.body.id);
  expect(notices.map(({ text }) => text)).toEqual([expect.stringContaining(first.body.id)]);
  const equal = await ask('/v1/batches', wanted, { 'x-stainless-retry-count': '0' });
  const other = await ask('/v1/batches', { ...wanted, metadata: {} }, { 'x-stainless-retry-count': '2' });
  expect(new Set([first, equal, other].map(({ body }) => body.id)).size).toBe(3);
});

test('what was made more than a minute ago is not what a client sends again', async () => {
  const { ask, wanted, store } = await openBatches();
  const first = await ask('/v1/batches', wanted);
  await store.batches.update(first.body.id, ({ createdAt }) => ({ createdAt: createdAt - 62 }));
  const again = await ask('/v1/batches', wanted, { 'x-stainless-retry-count': '1' });
  expect(again.body.id).not.toBe(first.body.id);
});

test('batches are listed page by page, the newest first, each once', async () => {
  const { ask, wanted } = await openBatches();
  const ids: string[] = [];
  for (let n = 0; n < 23; n++) ids.unshift((await ask('/v1/batches', wanted)).body.id);
  const first = await ask('/v1/batches');
  expect(first.body).toMatchObject({ object: 'list', first_id: ids[0], last_id: ids[19], has_more: true });
  const seen: string[] = [];
  for (let after = ''; ;) {
    const { body } = await ask(`/v1/batches?limit=7${after}`);
    seen.push(...body.data.map(({ id }) => id));
    if (body['has_more'] === false) break;
    after = `&after=${String(body['last_id'])}`;
  }
  expect(seen).toEqual(ids);
  const empty = await ask(`/v1/batches?after=${ids[22]}`);
  expect(empty.body).toEqual({ object: 'list', data: [], first_id: null, last_id: null, has_more: false });
  for (const query of ['limit=0', 'limit=101', 'limit=1.5', 'limit=x', 'after=batch_none'])
    expect((await ask(`/v1/batches?${query}`)).status).toBe(400);
});

test('cancel, pause and resume go to the queue, and are refused once the batch is over', async () => {
  const { ask, wanted, store, asked } = await openBatches();
  const { id } = (await ask('/v1/batches', wanted)).body;
  const paused = await ask(`/v1/batches/${id}/pause`, {});
  expect(paused.body['llmbatch']).toMatchObject({ state: 'paused', paused: { by: 'a client at 127.0.0.1' } });
  expect(asked).toEqual([`pause ${id} a client at 127.0.0.1`]);
  expect((await ask(`/v1/batches/${id}/resume`, {})).body['llmbatch']).toMatchObject({
    state: 'waiting',
    paused: null,
  });
  expect(await ask(`/v1/batches/${id}/cancel`, {})).toMatchObject({ status: 200, body: { status: 'cancelling' } });
  await store.batches.update(id, { status: 'cancelled' });
  for (const verb of ['cancel', 'pause', 'resume'])
    expect(await ask(`/v1/batches/${id}/${verb}`, {})).toMatchObject({
      status: 409,
      body: { error: { message: `can't ${verb} a batch whose status is "cancelled"` } },
    });
});

test('the ids of files and the usage are shown once the batch is over, its errors as a list', async () => {
  const { ask, wanted, store } = await openBatches();
  const { id } = (await ask('/v1/batches', wanted)).body;
  const usage = { inputTokens: 7, cachedTokens: null, outputTokens: 5, reasoningTokens: 1 };
  const counts = { total: 2, completed: 1, failed: 1 };
  await store.batches.update(id, {
    ...{ status: 'finalizing', outputFileId: 'file-a', errorFileId: 'file-b', models: ['m'] },
  } as const);
  expect((await ask(`/v1/batches/${id}`)).body).toMatchObject({
    output_file_id: null,
    error_file_id: null,
    model: 'm',
  });
  const errors = [{ code: 'c', message: 'm', param: null, line: 1 }];
  await store.batches.update(id, { status: 'completed', usage, counts, errors, models: ['m', 'n'] });
  expect((await ask(`/v1/batches/${id}`)).body).toMatchObject({
    output_file_id: 'file-a',
    error_file_id: 'file-b',
    model: null,
    errors: { object: 'list', data: errors },
    request_counts: counts,
    usage: {
      input_tokens: 7,
      input_tokens_details: { cached_tokens: null },
      output_tokens: 5,
      output_tokens_details: { reasoning_tokens: 1 },
      total_tokens: 12,
    },
    llmbatch: { state: 'over' },
  });
});

test('a batch tells its place, and that all are paused', async () => {
  const { ask, wanted, small } = await openBatches();
  const ids = [(await ask('/v1/batches', wanted)).body.id, (await ask('/v1/batches', wanted)).body.id];
  const [running = '', waiting = ''] = ids;
  small.setState({ running, waiting: [waiting] });
  const states = async () => (await ask('/v1/batches')).body.data.map((batch) => (batch as never)['llmbatch']);
  expect(await states()).toMatchObject([
    { state: 'waiting', position: 1 },
    { state: 'running', position: null },
  ]);
  small.setState({ paused: { by: 'me', since: 'then' } });
  expect(await states()).toMatchObject([{ state: 'paused', paused: { by: 'me' } }, { state: 'paused' }]);
});
