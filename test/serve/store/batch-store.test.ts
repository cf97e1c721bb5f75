import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { JournalError } from '../../../src/core/errors.ts';
import { openBatchStore } from '../../../src/serve/store/batch-store.ts';
import { scratchFolder } from '../../helpers/scratch-folder.ts';
import { batchLine, openTestStore } from '../open-test-store.ts';

const ignore = (): void => {};

test('a second server on the folder is refused with the process of the first one; after its end it is not', async () => {
  const folder = join(await scratchFolder(), 'server');
  const { store } = await openTestStore(folder);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  const refused = openTestStore(folder);
  await expect(refused).rejects.toThrow(`${folder} is in use by process ${process.pid}, since 20`);
  await expect(refused).rejects.toMatchObject({ exitCode: 5, hint: expect.stringContaining('--dir') });
  await store.close();
  await openTestStore(folder);
});

test('a batch is there after a restart, as it was changed last, with its metadata letter by letter', async () => {
  const { store, add } = await openTestStore();
  const metadata = { camelKey: 'a', snake_key: 'b', ü: '"' };
  const record = await add('x\n', { metadata, idempotencyKey: 'k' });
  const changes = {
    status: 'failed',
    errors: [{ code: 'empty_file', message: 'm', param: null, line: 3 }],
    usage: { inputTokens: 1, cachedTokens: null, outputTokens: 2, reasoningTokens: null },
    paused: { by: 'me', since: '2026-01-01T00:00:00.000Z' },
  } as const;
  await store.batches.update(record.id, { ...changes, errors: [...changes.errors] });
  await store.close();
  const { store: again, notices } = await openTestStore(store.folder);
  expect(again.batches.find(record.id)).toEqual({ ...record, ...changes });
  expect(notices).toEqual([]);
  const file = await readFile(join(store.folder, 'batches', record.id, 'batch.json'), 'utf8');
  expect(JSON.parse(file)).toMatchObject({ schema_version: 1, input_file_id: record.inputFileId, metadata });
});

test('of changes of one batch at a time none is lost, and each sees the one before', async () => {
  const { store, add } = await openTestStore();
  const { id } = await add('x\n');
  const steps = Array.from({ length: 20 }, () =>
    store.batches.update(id, ({ counts }) => ({ counts: { ...counts, completed: counts.completed + 1 } })),
  );
  const failing = store.batches.update(id, () => {
    throw new Error('no');
  });
  const last = store.batches.update(id, { priority: 3 });
  await expect(failing).rejects.toThrow('no');
  await Promise.all(steps);
  expect(await last).toMatchObject({ priority: 3, counts: { completed: 20 } });
  expect(store.batches.find(id)).toEqual(await last);
});

test('the input stays with the batch when its file is deleted, and takes no space of its own', async () => {
  const { store, add } = await openTestStore();
  const { id, inputFileId } = await add('the input\n');
  const { input } = store.batches.pathsOf(id);
  expect((await stat(input)).ino).toBe((await stat(store.files.pathOf(inputFileId))).ino);
  await store.files.remove(inputFileId);
  expect(await readFile(input, 'utf8')).toBe('the input\n');
  expect((await stat(input)).mode & 0o777).toBe(0o600);
  expect((await stat(join(input, '..'))).mode & 0o777).toBe(0o700);
});

test('a batch whose input is gone is not made, and leaves nothing', async () => {
  const { store, add } = await openTestStore();
  const record = await add('x\n');
  const other = {
    ...record,
    id: record.id.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
    inputFileId: 'file-none',
  };
  await expect(store.batches.add(other)).rejects.toThrow(JournalError);
  expect(store.batches.find(other.id)).toBeNull();
  expect(await readdir(join(store.folder, 'batches'))).toEqual([record.id]);
});

test('what a crash left half made or half removed is cleared away; what is not ours is left', async () => {
  const folder = await scratchFolder();
  const id = `batch_${'0'.repeat(24)}`;
  for (const name of [`${id}.draft`, `${id}.removed`, 'mine.draft', 'lost+found']) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'input.jsonl'), 'x');
  }
  const store = await openBatchStore(folder, { files: { pathOf: (name) => name }, notify: ignore });
  expect(store.list()).toEqual([]);
  expect((await readdir(folder)).toSorted()).toEqual(['lost+found', 'mine.draft']);
});

test.each([
  ['no JSON', '{', /JSON/],
  ['of a newer version', '{"schema_version": 9}', /schema_version is 9, and this llmbatch knows 1/],
  ['with a wrong field', null, /its field counts.total is not as it should be/],
  ['gone', undefined, /ENOENT/],
])('a batch whose record is %s is told and left as it is, and the others are there', async (_what, text, reason) => {
  const { store, add } = await openTestStore();
  const [bad, good] = [await add('x\n'), await add('y\n')];
  await store.close();
  const path = join(store.folder, 'batches', bad.id, 'batch.json');
  const kept = text === null ? (await readFile(path, 'utf8')).replace('"total": 0', '"total": "no"') : text;
  if (kept === undefined) await rm(path);
  else await writeFile(path, kept);
  const { store: again, notices } = await openTestStore(store.folder);
  expect(again.batches.list()).toEqual([good]);
  expect(notices.map(({ text: told }) => told)).toEqual([expect.stringMatching(reason)]);
  expect(notices[0]?.text).toContain(bad.id);
  expect(await readdir(join(store.folder, 'batches', bad.id))).toContain('input.jsonl');
});

test('a record that lies in the folder of another batch is not taken for that one', async () => {
  const { store, add } = await openTestStore();
  const { id } = await add('x\n');
  await store.close();
  const other = `batch_${'1'.repeat(24)}`;
  await rename(join(store.folder, 'batches', id), join(store.folder, 'batches', other));
  const { store: again, notices } = await openTestStore(store.folder);
  expect(again.batches.list()).toEqual([]);
  expect(notices[0]?.text).toContain(`its record is that of ${id}`);
});

test('lists the newest first, also after a restart, and none that was removed', async () => {
  const { store, add } = await openTestStore();
  const ids: string[] = [];
  for (let n = 0; n < 4; n++) {
    const { id } = await add(batchLine(`${n}`));
    // Ids of one millisecond tell nothing of their order.
    while (Date.now().toString(16).padStart(12, '0') === id.slice(6, 18));
    ids.unshift(id);
  }
  await store.batches.remove(ids.pop() ?? '');
  expect(store.batches.list().map(({ id }) => id)).toEqual(ids);
  await store.close();
  const { store: again } = await openTestStore(store.folder);
  expect(again.batches.list().map(({ id }) => id)).toEqual(ids);
  expect((await readdir(join(store.folder, 'batches'))).toSorted()).toEqual(ids.toSorted());
});
