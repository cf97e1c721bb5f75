import { existsSync } from 'node:fs';
import { stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from '../../src/files/make-folder.ts';
import { scratchFolder } from '../helpers/scratch-folder.ts';

test('a folder is made with those above it, and the first new one is named', async () => {
  const root = await scratchFolder();
  expect(await makeFolder(join(root, 'a', 'b', 'c'), 0o700)).toBe(join(root, 'a'));
  expect((await stat(join(root, 'a', 'b', 'c'))).mode & 0o777).toBe(0o700);
  expect(await makeFolder(join(root, 'a', 'd'))).toBe(join(root, 'a', 'd'));
  expect(await makeFolder(join(root, 'a', 'b', 'c'))).toBeUndefined();
  expect(await makeFolder('/')).toBeUndefined();
});

test('a file, or a link to nothing, in its place is told', async () => {
  const root = await scratchFolder();
  await writeFile(join(root, 'file'), '');
  await symlink('nothing', join(root, 'link'));
  await expect(makeFolder(join(root, 'file'))).rejects.toThrow('EEXIST');
  await expect(makeFolder(join(root, 'file', 'sub'))).rejects.toThrow('ENOTDIR');
  await expect(makeFolder(join(root, 'link', 'sub'))).rejects.toThrow('EEXIST');
});

test.skipIf(!existsSync('/proc/self'))(
  'where no folder can be made it ends, with the reason of the system',
  async () => {
    await expect(makeFolder('/proc/llmbatch/deep/folder')).rejects.toThrow('ENOENT');
  },
);

test('two at once make it once', async () => {
  const root = await scratchFolder();
  const made = await Promise.all(Array.from({ length: 8 }, () => makeFolder(join(root, 'x', 'y', 'z'))));
  expect(made.some((first) => first === join(root, 'x'))).toBe(true);
});
