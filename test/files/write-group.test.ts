import { execFileSync } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { JournalError } from '../../src/core/errors.ts';
import { openOutput } from '../../src/journal/open-output.ts';
import { toJournalError, writeGroup } from '../../src/files/write-group.ts';
import { openForTest, scratchFile, scratchFolder } from '../helpers/scratch-folder.ts';

test('a group is written behind what is there', async () => {
  const path = await scratchFile('one\n');
  const handle = await openForTest(path, 'r+');
  await writeGroup({ path, handle, fsync: true }, Buffer.from('two\nthree\n'), 4);
  expect(await readFile(path, 'utf8')).toBe('one\ntwo\nthree\n');
});

/** A disk of 256 kB; null where the system does not let us have one. */
async function smallDisk(): Promise<string | null> {
  const folder = await scratchFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'none', folder], { stdio: 'ignore' });
  } catch {
    return null;
  }
  onTestFinished(() => void execFileSync('umount', ['-l', folder]));
  return folder;
}

test('on a full disk whole lines stay, and the run goes on once there is room', async ({ skip }) => {
  const folder = await smallDisk();
  if (folder === null) return skip('mounting a small disk is not permitted');
  const path = join(folder, 'out.jsonl');
  await writeFile(join(folder, 'ballast'), Buffer.alloc(100_000));
  const { handle } = await openOutput(path);
  const group = Buffer.from(`${'x'.repeat(999)}\n`.repeat(40));
  let size = 0;
  const fill = async (): Promise<void> => {
    for (; size < 10 * group.length; size += group.length) {
      await writeGroup({ path, handle, fsync: true }, group, size);
    }
  };
  await expect(fill()).rejects.toMatchObject({ message: `no space left on the disk of ${path}` });
  expect(size).toBeGreaterThan(0);
  expect((await readFile(path)).length).toBe(size);
  await rm(join(folder, 'ballast'));
  await writeGroup({ path, handle, fsync: true }, group, size);
  expect(
    (await readFile(path, 'utf8'))
      .split('\n')
      .slice(0, -1)
      .every((line) => line.length === 999),
  ).toBe(true);
  await handle.close();
  return undefined;
});

test('other errors keep their words, and a journal error stays itself', () => {
  const error = new JournalError('locked');
  expect(toJournalError(error, 'out')).toBe(error);
  expect(toJournalError(new Error('EIO: i/o error'), 'out')).toMatchObject({
    message: "can't write out: EIO: i/o error",
  });
});
