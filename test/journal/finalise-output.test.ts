import { readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { finaliseOutput } from '../../src/journal/finalise-output.ts';
import { loadResults } from '../../src/journal/load-results.ts';
import { openForTest, scratchFolder } from '../helpers/scratch-folder.ts';
import { failed, success, tableOf, textOf } from './sample-results.ts';

interface Finalised {
  path: string;
  text: string;
  inode: { before: number; after: number };
}

/** Loads an output of requests with these ids as a resume does, and brings it into order. */
async function finalise(text: string, ids: string[], prepare?: (path: string) => Promise<unknown>): Promise<Finalised> {
  const path = join(await scratchFolder(), 'out.jsonl');
  await writeFile(path, text);
  await prepare?.(path);
  const before = (await stat(path)).ino;
  const file = { handle: await openForTest(path), path, size: Buffer.byteLength(text) };
  const table = tableOf(ids);
  const { unknown } = await loadResults(file, table, () => {});
  await finaliseOutput(file, table, unknown);
  return { path, text: await readFile(path, 'utf8'), inode: { before, after: (await stat(path)).ino } };
}

test('any order of completion becomes the order of the input: one line an id, the last success', async () => {
  const ids = Array.from({ length: 12 }, (_, index) => `r${index}`);
  const attempts = fc.array(fc.record({ id: fc.constantFrom(...ids), isSuccess: fc.boolean() }), { maxLength: 40 });
  const run = fc.asyncProperty(attempts, async (recorded) => {
    const lines = recorded.map(({ id, isSuccess }, index) =>
      isSuccess ? success({ id, text: `é ${index}` }) : failed({ id }, 'timeout', index + 1),
    );
    const wanted = ids.flatMap((id) => {
      const own = lines.filter((line) => line.custom_id === id);
      return (own.findLast((line) => line.error === null) ?? own.at(-1)) || [];
    });
    expect((await finalise(textOf(lines), ids)).text).toBe(textOf(wanted));
  });
  await fc.assert(run, { numRuns: 60 });
});

test('thousands of lines in another order come out sorted', async () => {
  const ids = Array.from({ length: 5000 }, (_, index) => `r${index}`);
  const lines = ids.map((id, index) => success({ id, text: 'x'.repeat(index % 50) }, index + 1));
  // A step that shares no factor with the length visits every line once.
  const shuffled = lines.map((_, index) => lines[(index * 1937) % lines.length]!);
  expect((await finalise(textOf(shuffled), ids)).text).toBe(textOf(lines));
});

test('an output that is in order already is not touched', async () => {
  const text = textOf([success({ id: 'a' }), success({ id: 'b' })]);
  const { inode, text: after } = await finalise(text, ['a', 'b']);
  expect([after, inode.after]).toEqual([text, inode.before]);
});

test('results of ids that the input no longer has stay, at the end', async () => {
  const [gone, b, a] = ['gone', 'b', 'a'].map((id) => success({ id }));
  expect((await finalise(textOf([gone!, b!, a!]), ['a', 'b'])).text).toBe(textOf([a!, b!, gone!]));
});

test("a file or a link of the user's with a name like a draft's is left alone, and no draft stays", async () => {
  const lines = [success({ id: 'b' }), success({ id: 'a' })];
  const leave = async (path: string): Promise<void> => {
    await writeFile(`${path}.ordered`, 'precious');
    await symlink(`${path}.ordered`, `${path}.draft`);
  };
  const { path, text } = await finalise(textOf(lines), ['a', 'b'], leave);
  expect(text).toBe(textOf(lines.toReversed()));
  expect(await readFile(`${path}.ordered`, 'utf8')).toBe('precious');
  expect(await readdir(dirname(path))).toEqual(['out.jsonl', 'out.jsonl.draft', 'out.jsonl.ordered']);
});

test('when it fails the output is the old one, whole', async () => {
  const path = join(await scratchFolder(), 'out.jsonl');
  const text = textOf([success({ id: 'b' }), success({ id: 'a' })]);
  await writeFile(path, text);
  const file = { handle: await openForTest(path), path, size: text.length };
  const table = tableOf(['a', 'b']);
  await loadResults(file, table, () => {});
  table.setResult(1, 0, text.length + 100);
  await expect(finaliseOutput(file, table, [])).rejects.toMatchObject({ name: 'JournalError' });
  expect(await readFile(path, 'utf8')).toBe(text);
  expect(await readdir(dirname(path))).toEqual(['out.jsonl']);
});
