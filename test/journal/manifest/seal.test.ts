import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openSealKey } from '../../../src/journal/manifest/seal.ts';
import { scratchFolder } from '../../helpers/scratch-folder.ts';

test('all who ask at once get the same key, which only its user may read', async () => {
  const environment = { XDG_STATE_HOME: join(await scratchFolder(), 'state') };
  const keys = await Promise.all(Array.from({ length: 8 }, () => openSealKey(environment)));
  expect(new Set(keys.map((key) => key?.toString('hex'))).size).toBe(1);
  expect(keys[0]).toHaveLength(32);
  const folder = join(environment.XDG_STATE_HOME, 'llmbatch');
  expect(await readdir(folder)).toEqual(['seal.key']);
  expect((await stat(join(folder, 'seal.key'))).mode & 0o777).toBe(0o600);
});

test('where no key can be kept there is none', async () => {
  const folder = await scratchFolder();
  await writeFile(join(folder, 'file'), '');
  expect(await openSealKey({ XDG_STATE_HOME: join(folder, 'file') })).toBeNull();
});
