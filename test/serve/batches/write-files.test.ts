import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { writeBatchFiles } from '../../../src/serve/batches/write-files.ts';
import type { FileDraft } from '../../../src/serve/store/store.ts';
import { mockSettings } from '../../helpers/start-run.ts';
import { waitUntil } from '../../helpers/wait.ts';
import { batchLine, openTestStore } from '../open-test-store.ts';
import { runBatchOnMock } from './run-batch.ts';

const lines = (count: number): string =>
  Array.from({ length: count }, (_, index) => batchLine(`r${index + 1}`)).join('');

const context = (store: Awaited<ReturnType<typeof openTestStore>>['store']) => ({
  store,
  settings: mockSettings,
  signal: new AbortController().signal,
});
const idsOf = (written: Record<string, unknown>[]): unknown[] => written.map(({ custom_id: id }) => id);

test('answers and failures go to a file each, in the order of the input, key by key as at OpenAI', async () => {
  const { store, add, lines: read } = await openTestStore();
  const { id } = await add(`${lines(40)}not JSON\n`, {
    counts: { total: 41, completed: 0, failed: 0 },
    outputExpiresAfter: 3600,
  });
  await runBatchOnMock(store, id, {
    options: { fault_rate: 0.3, fault_kinds: 'bad-request', latency_ms: 2, latency_jitter: 1 },
  });
  const written = await writeBatchFiles(id, context(store));
  const [output, errors] = [await read(written.outputFileId), await read(written.errorFileId)];
  expect(written.counts).toEqual({ total: 41, completed: output.length, failed: errors.length });
  expect([output.length, errors.length].every((count) => count > 3)).toBe(true);
  const number = (line: Record<string, unknown>): number => Number(String(line['custom_id']).replace(/\D/g, ''));
  for (const file of [output, errors]) expect(file.map(number)).toEqual(file.map(number).toSorted((a, b) => a - b));
  expect(new Set([...idsOf(output), ...idsOf(errors)]).size).toBe(41);
  expect(output[0]).toEqual({
    id: expect.stringMatching(/^batch_req_/),
    custom_id: expect.any(String),
    response: {
      status_code: 200,
      request_id: expect.any(String),
      body: expect.objectContaining({ object: 'chat.completion' }),
    },
    error: null,
  });
  expect(errors.at(-1)).toMatchObject({
    custom_id: 'line-41',
    response: {
      status_code: 400,
      body: { error: { code: 'invalid_request', message: expect.stringContaining('not JSON') } },
    },
    error: null,
  });
  const [file, errorFile] = [written.outputFileId, written.errorFileId].map((each) => store.files.find(each ?? ''));
  expect(file).toMatchObject({ filename: `${id}_output.jsonl`, purpose: 'batch_output' });
  expect(errorFile).toMatchObject({ filename: `${id}_error.jsonl`, purpose: 'batch_output' });
  expect((file?.expiresAt ?? 0) - (file?.createdAt ?? 0)).toBeGreaterThanOrEqual(3600 - 1);
  expect((file?.expiresAt ?? 0) - (file?.createdAt ?? 0)).toBeLessThanOrEqual(3600);
});

test('they are broken off by the signal, leave nothing, and are written the next time', async () => {
  const { store, add } = await openTestStore();
  const { id } = await add(lines(20), { counts: { total: 20, completed: 0, failed: 0 } });
  await runBatchOnMock(store, id, {});
  const signal = AbortSignal.abort(new Error('the server ends now'));
  await expect(writeBatchFiles(id, { ...context(store), signal })).rejects.toThrow('the server ends now');
  expect(await readdir(join(store.folder, 'files'))).toHaveLength(2);
  expect(await writeBatchFiles(id, context(store))).toMatchObject({ counts: { completed: 20 } });
});

test('the usage is the sum over the answers', async () => {
  const { store, add, lines: read } = await openTestStore();
  const { id } = await add(lines(10), { counts: { total: 10, completed: 0, failed: 0 } });
  await runBatchOnMock(store, id, { options: { fault_rate: 0.3, fault_kinds: 'refused', report_cached: false } });
  const { usage, outputFileId } = await writeBatchFiles(id, context(store));
  const sum = { prompt_tokens: 0, completion_tokens: 0 };
  for (const line of await read(outputFileId)) {
    const { response } = line as { response: { body: { usage: typeof sum } } };
    sum.prompt_tokens += response.body.usage.prompt_tokens;
    sum.completion_tokens += response.body.usage.completion_tokens;
  }
  expect(sum.prompt_tokens).toBeGreaterThan(0);
  expect(usage).toEqual({
    inputTokens: sum.prompt_tokens,
    outputTokens: sum.completion_tokens,
    cachedTokens: null,
    reasoningTokens: null,
  });
});

test.each([
  ['no answer', 1, 'outputFileId'],
  ['no failure', 0, 'errorFileId'],
] as const)('where there is %s the file is not made', async (_what, rate, missing) => {
  const { store, add } = await openTestStore();
  const { id } = await add(lines(5), { counts: { total: 5, completed: 0, failed: 0 } });
  await runBatchOnMock(store, id, { options: { fault_rate: rate, fault_kinds: 'bad-request' } });
  const written = await writeBatchFiles(id, context(store));
  expect(written[missing]).toBeNull();
  expect(store.files.list().filter(({ purpose }) => purpose === 'batch_output')).toHaveLength(1);
});

test.each([
  ['batch_cancelled', 1_800_000_100],
  ['batch_expired', null],
] as const)('requests without a result are told as %s, each in its place', async (code, cancellingAt) => {
  const { store, add, lines: read } = await openTestStore();
  const record = await add(`${lines(3)}bad\n\n${batchLine('last')}`, { counts: { total: 5, completed: 0, failed: 0 } });
  await store.batches.update(record.id, ({ times }) => ({ times: { ...times, cancellingAt } }));
  await runBatchOnMock(store, record.id, { limit: 2 });
  const { counts, outputFileId, errorFileId } = await writeBatchFiles(record.id, context(store));
  expect(counts).toEqual({ total: 5, completed: 2, failed: 0 });
  expect(idsOf(await read(outputFileId))).toEqual(['r1', 'r2']);
  const errors = await read(errorFileId);
  expect(idsOf(errors)).toEqual(['r3', 'line-4', 'last']);
  for (const { response, error } of errors)
    expect([response, error]).toEqual([null, { code, message: expect.any(String) }]);
});

test('a batch that was stopped before its run began has only requests that were not reached', async () => {
  const { store, add, lines: read } = await openTestStore();
  const { id } = await add(lines(2), { counts: { total: 2, completed: 0, failed: 0 } });
  const { outputFileId, errorFileId, usage } = await writeBatchFiles(id, context(store));
  expect(outputFileId).toBeNull();
  expect(idsOf(await read(errorFileId))).toEqual(['r1', 'r2']);
  expect(usage).toMatchObject({ inputTokens: 0, outputTokens: 0 });
});

test('a failure in the middle leaves no file and no half of one', async () => {
  const { store, add } = await openTestStore();
  const { id } = await add(lines(3), { counts: { total: 3, completed: 0, failed: 0 } });
  await runBatchOnMock(store, id);
  const keeping = { ...store.files, begin: store.files.begin };
  const failing = {
    ...store,
    files: {
      ...keeping,
      begin: async (name?: string) => ({
        ...(await store.files.begin(name)),
        keep: () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' })),
      }),
    },
  };
  await expect(writeBatchFiles(id, context(failing))).rejects.toThrow('full');
  expect((await readdir(join(store.folder, 'files'))).filter((name) => name.endsWith('.bin'))).toHaveLength(1);
  const written = await writeBatchFiles(id, context(store));
  expect(written.counts).toEqual({ total: 3, completed: 3, failed: 0 });
});

test('where the second file fails, the first one is taken back', async () => {
  const { store, add } = await openTestStore();
  const { id } = await add(lines(40), { counts: { total: 40, completed: 0, failed: 0 } });
  await runBatchOnMock(store, id, { options: { fault_rate: 0.4, fault_kinds: 'bad-request' } });
  const before = store.files.list();
  let kept = 0;
  const begin = async (name?: string): Promise<FileDraft> => {
    const draft = await store.files.begin(name);
    return {
      ...draft,
      keep: (details) => (kept++ === 0 ? draft.keep(details) : Promise.reject(new Error('full'))),
    };
  };
  const failing = { ...store, files: { ...store.files, begin } };
  await expect(writeBatchFiles(id, context(failing))).rejects.toThrow('full');
  expect(store.files.list()).toEqual(before);
  expect(await readdir(join(store.folder, 'files'))).toHaveLength(2 * before.length);
});

test('killed at any moment and done again, there is one pair of files, and nothing else', async () => {
  const { store, add, lines: read } = await openTestStore();
  const { id } = await add(lines(1500), { counts: { total: 1500, completed: 0, failed: 0 } });
  await runBatchOnMock(store, id, { options: { fault_rate: 0.4, fault_kinds: 'bad-request' } });
  await store.close();
  const settingsPath = join(store.folder, 'settings.json');
  await writeFile(settingsPath, JSON.stringify(mockSettings));
  const script = fileURLToPath(new URL('./write-again.mjs', import.meta.url));
  const folder = join(store.folder, 'files');
  // Two files are the input's. Each number is another moment: nothing yet, one draft, two, one of them kept, both.
  for (const count of [2, 3, 4, 5, 6]) {
    const child = fork(script, [store.folder, id, settingsPath], { stdio: 'inherit' });
    await once(child, 'message');
    await waitUntil(async () => (await readdir(folder)).length === count);
    child.kill('SIGKILL');
    await once(child, 'close');
  }
  const { store: again } = await openTestStore(store.folder);
  const written = await writeBatchFiles(id, context(again));
  expect(await again.batches.update(id, written)).toMatchObject({ counts: { total: 1500 } });
  const outputs = again.files.list().filter(({ purpose }) => purpose === 'batch_output');
  expect(outputs.map((file) => file.id).toSorted()).toEqual(
    [`${written.outputFileId}`, `${written.errorFileId}`].toSorted(),
  );
  expect(await readdir(folder)).toHaveLength(6);
  const all = [...(await read(written.outputFileId)), ...(await read(written.errorFileId))];
  expect(new Set(idsOf(all)).size).toBe(1500);
  expect(all).toHaveLength(1500);
});
