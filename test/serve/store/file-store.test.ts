import { once } from 'node:events';
import { mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { JournalError } from '../../../src/core/errors.ts';
import type { Notice } from '../../../src/core/events.ts';
import { openFileStore } from '../../../src/serve/store/file-store.ts';
import { type FileStore, newFileId } from '../../../src/serve/store/store.ts';
import { canMount, mountTmpfs } from '../../helpers/mount-tmpfs.ts';
import { scratchFolder } from '../../helpers/scratch-folder.ts';

const details = { filename: 'a.jsonl', purpose: 'batch', expiresAt: null } as const;

async function openStore(folder: string): Promise<{ store: FileStore; notices: Notice[] }> {
  const notices: Notice[] = [];
  return { store: await openFileStore(folder, (notice) => notices.push(notice)), notices };
}

async function addFile(store: FileStore, text: string): Promise<string> {
  const draft = await store.begin();
  draft.stream.write(text);
  return (await draft.keep(details)).id;
}

test('the ids tell who is older, also those of one millisecond', () => {
  const ids = Array.from({ length: 1000 }, newFileId);
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(1000);
});

test('keeps what was written, for its owner alone, and after a restart', async () => {
  const folder = join(await scratchFolder(), 'files');
  const { store } = await openStore(folder);
  const before = Math.floor(Date.now() / 1000);
  const draft = await store.begin();
  draft.stream.write('one\n');
  draft.stream.write('two\n');
  expect(store.list()).toEqual([]);
  const record = await draft.keep({ ...details, expiresAt: 7 });
  expect(record).toEqual({ id: record.id, bytes: 8, createdAt: record.createdAt, ...details, expiresAt: 7 });
  expect(record.id).toMatch(/^file-[\da-f]{24}$/);
  expect(record.createdAt).toBeGreaterThanOrEqual(before);
  expect(await readFile(store.pathOf(record.id), 'utf8')).toBe('one\ntwo\n');
  for (const name of await readdir(folder)) expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);

  const { store: again, notices } = await openStore(folder);
  expect([again.find(record.id), again.list(), notices]).toEqual([record, [record], []]);
});

test('lists the newest first, also after a restart', async () => {
  const folder = await scratchFolder();
  const { store } = await openStore(folder);
  const ids: string[] = [];
  for (let n = 0; n < 5; n += 1) ids.unshift(await addFile(store, `${n}`));
  expect(store.list().map(({ id }) => id)).toEqual(ids);
  const { store: again } = await openStore(folder);
  expect(again.list().map(({ id }) => id)).toEqual(ids);
});

test('takes an id that was made before', async () => {
  const { store } = await openStore(await scratchFolder());
  const id = newFileId();
  const draft = await store.begin(id);
  expect((await draft.keep(details)).id).toBe(id);
});

test('forgets what is removed or discarded', async () => {
  const folder = await scratchFolder();
  const { store } = await openStore(folder);
  const id = await addFile(store, 'x');
  const draft = await store.begin();
  draft.stream.write('y');
  await draft.discard();
  expect([await store.remove(id), await store.remove(id), store.find(id), store.list()]).toEqual([
    true,
    false,
    null,
    [],
  ]);
  expect(await readdir(folder)).toEqual([]);
});

test('a file that can not be removed stays', async () => {
  const folder = await scratchFolder();
  const { store } = await openStore(folder);
  const id = await addFile(store, 'x');
  const recordPath = join(folder, `${id}.json`);
  await rm(recordPath);
  await mkdir(recordPath);
  await expect(store.remove(id)).rejects.toThrow('EISDIR');
  expect(store.find(id)).toMatchObject({ id });
  expect(await readFile(store.pathOf(id), 'utf8')).toBe('x');
});

test('removes what a crash left half made, and nothing that is not its own', async () => {
  const folder = await scratchFolder();
  const { store } = await openStore(folder);
  const id = await addFile(store, 'x');
  const draft = await store.begin();
  await new Promise((resolve) => draft.stream.write('half', resolve));
  onTestFinished(() => draft.discard());
  await writeFile(join(folder, `${newFileId()}.json.draft-1`), 'x');
  await writeFile(join(folder, 'notes.bin'), 'x');
  const foreign = `${newFileId()}.bin`;
  await mkdir(join(folder, foreign));
  const { store: again } = await openStore(folder);
  expect(again.list().map((record) => record.id)).toEqual([id]);
  expect((await readdir(folder)).toSorted()).toEqual([`${id}.bin`, `${id}.json`, foreign, 'notes.bin']);
});

test.each([
  ['no JSON', () => '{"id":'],
  ['no record', () => '{"id": 3}'],
  ['the record of another file', (text: string) => text.replace(/file-\w{4}/, 'file-0000')],
])('tells a record that is %s, and leaves it and its bytes', async (_, damage) => {
  const folder = await scratchFolder();
  const { store } = await openStore(folder);
  const [bad, good] = [await addFile(store, 'x'), await addFile(store, 'y')];
  const path = join(folder, `${bad}.json`);
  await writeFile(path, damage(await readFile(path, 'utf8')));
  const { store: again, notices } = await openStore(folder);
  expect(again.list().map(({ id }) => id)).toEqual([good]);
  expect(notices).toEqual([
    { topic: 'serve', text: expect.stringContaining(`${path} can't be read, so its file is ignored`) },
  ]);
  expect(await readFile(store.pathOf(bad), 'utf8')).toBe('x');
});

describe('a full disk', () => {
  test.runIf(canMount())('fails the draft, which leaves nothing (needs root: a small tmpfs)', async () => {
    const folder = join(await scratchFolder(), 'disk');
    mountTmpfs(folder, 'size=256k');
    const { store } = await openStore(folder);
    const draft = await store.begin();
    draft.stream.write(Buffer.alloc(1_000_000));
    await expect(once(draft.stream, 'close')).rejects.toThrow('ENOSPC');
    await expect(draft.keep(details)).rejects.toThrow(JournalError);
    await expect(draft.keep(details)).rejects.toThrow('no space left on the disk');
    await draft.discard();
    expect([store.list(), await readdir(folder)]).toEqual([[], []]);
    await addFile(store, 'small');
  });
});

test('a folder that can not be used is a JournalError', async () => {
  await expect(openStore('/dev/null/files')).rejects.toThrow(JournalError);
});
