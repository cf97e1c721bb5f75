import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { removeDrafts } from '../../src/files/replace-file.ts';
import { scratchFolder } from '../helpers/scratch-folder.ts';

const uuid = 'a5b14979-2b81-4310-be51-0c69c9b04d60';

test('what a crash left of any file of a run is removed, and nothing else', async () => {
  const folder = await scratchFolder();
  const drafts = ['', '.run.json', '.run.input', '.old', '.old.run.json', '.old.2.run.json'].map(
    (ending) => `out.jsonl${ending}.draft-${uuid}`,
  );
  const others = [
    'out.jsonl',
    'out.jsonl.lock',
    'out.jsonl.old',
    'out.jsonl.draft-of-mine',
    `other.jsonl.draft-${uuid}`,
  ];
  for (const name of [...drafts, `out.jsonl.lock.${uuid}`, ...others]) await writeFile(join(folder, name), '');
  await removeDrafts(join(folder, 'out.jsonl'));
  expect((await readdir(folder)).toSorted()).toEqual(others.toSorted());
});
