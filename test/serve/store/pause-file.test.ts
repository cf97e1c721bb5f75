import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openPauseFile } from '../../../src/serve/store/pause-file.ts';
import { scratchFolder } from '../../helpers/scratch-folder.ts';

const pause = { by: 'a client', since: '2026-01-01T00:00:00.000Z' };

test('the last of several changes at once is what stays', async () => {
  const folder = await scratchFolder();
  const path = join(folder, 'paused.json');
  const file = await openPauseFile(path, () => {});
  await Promise.all([file.set(pause), file.set(null), file.set({ ...pause, by: 'another' })]);
  expect((await openPauseFile(path, () => {})).get()).toEqual({ ...pause, by: 'another' });
  await file.set(null);
  expect(await readdir(folder)).toEqual([]);
});

test('a file that can not be read is told, and pauses nothing', async () => {
  const path = join(await scratchFolder(), 'paused.json');
  await writeFile(path, '{"schema_version": 2}');
  const notes: string[] = [];
  expect((await openPauseFile(path, ({ text }) => void notes.push(text))).get()).toBeNull();
  expect(notes).toEqual([expect.stringContaining('so nothing is paused')]);
});
