import { readFile, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findManifest } from '../../src/journal/manifest/find-manifest.ts';
import { keepAside, removeAside, undoAside } from '../../src/journal/keep-aside.ts';
import { writeManifest } from '../../src/journal/manifest/manifest.ts';
import { type RunPaths, pathsOf } from '../../src/journal/manifest/run-paths.ts';
import { scratchFolder } from '../helpers/scratch-folder.ts';
import { sampleManifest } from './sample-manifest.ts';

/** A run of standard input that has results. */
async function earlierRun(): Promise<RunPaths> {
  const paths = pathsOf(join(await scratchFolder(), 'out.jsonl'));
  await writeFile(paths.output, 'results\n');
  await writeFile(paths.spool, 'input\n');
  const input = { ...sampleManifest().input, path: '-', spool: paths.spool };
  await writeManifest(paths.manifest, sampleManifest({ output: paths.output, input }));
  return paths;
}

const filesIn = async (paths: RunPaths): Promise<string[]> => (await readdir(dirname(paths.output))).toSorted();
const keep = async (paths: RunPaths): Promise<string> => keepAside(paths, await findManifest(paths));

const whole = ['out.jsonl', 'out.jsonl.run.input', 'out.jsonl.run.json'];

test('what is kept aside is a run of its own, and the manifest stays until another one replaces it', async () => {
  const paths = await earlierRun();
  expect(await keep(paths)).toBe('out.jsonl.old');
  const aside = ['out.jsonl.old', 'out.jsonl.old.run.input', 'out.jsonl.old.run.json'];
  expect(await filesIn(paths)).toEqual([...aside, 'out.jsonl.run.json']);
  const found = await findManifest(pathsOf(`${paths.output}.old`));
  expect(found?.manifest.runId).toBe(sampleManifest().runId);
});

test("a file or link of the user's under that name is stepped over", async () => {
  const paths = await earlierRun();
  await writeFile(`${paths.output}.old`, 'precious');
  await symlink('nothing', `${paths.output}.old.2`);
  await writeFile(`${paths.output}.old.3.run.json`, 'precious');
  expect(await keep(paths)).toBe('out.jsonl.old.4');
  expect(await readFile(`${paths.output}.old`, 'utf8')).toBe('precious');
});

describe('a crash', () => {
  test('before the output was renamed leaves the run whole, and the next try takes the same name', async () => {
    const paths = await earlierRun();
    await writeFile(`${paths.output}.old.run.json`, await readFile(paths.manifest));
    await undoAside(paths);
    expect(await readFile(paths.output, 'utf8')).toBe('results\n');
    expect(await keep(paths)).toBe('out.jsonl.old');
  });

  test.each([
    ['with its input', (_places: RunPaths): Promise<void> => Promise.resolve()],
    ['before its input', ({ spool, output }: RunPaths): Promise<void> => rename(`${output}.old.run.input`, spool)],
  ])('after the output was renamed, %s, is undone', async (_name, step) => {
    const paths = await earlierRun();
    await keep(paths);
    await step(paths);
    await undoAside(paths);
    expect(await filesIn(paths)).toEqual(whole);
    expect(await readFile(paths.output, 'utf8')).toBe('results\n');
  });

  test('after the new output was made, and before its manifest stood, is undone', async () => {
    const paths = await earlierRun();
    await keep(paths);
    await writeFile(paths.output, '');
    await undoAside(paths);
    expect(await filesIn(paths)).toEqual(whole);
    expect(await readFile(paths.output, 'utf8')).toBe('results\n');
  });

  test('in the undoing is undone by the next one', async () => {
    const paths = await earlierRun();
    await keep(paths);
    await rename(`${paths.output}.old.run.input`, paths.spool);
    await undoAside(paths);
    expect(await filesIn(paths)).toEqual(whole);
  });
});

test('what another run has taken the place of is not brought back', async () => {
  const paths = await earlierRun();
  await keep(paths);
  await writeManifest(paths.manifest, sampleManifest({ runId: 'the new one' }));
  await undoAside(paths);
  expect(await filesIn(paths)).not.toContain('out.jsonl');
});

test('only what lies aside under its own name is removed, and never through a link', async () => {
  const paths = await earlierRun();
  await keep(paths);
  const folder = dirname(paths.output);
  await writeFile(join(folder, 'victim'), 'precious');
  await symlink('victim', `${paths.output}.old.2`);
  await removeAside(paths, ['out.jsonl.old', 'out.jsonl.old.2', 'victim', '../out.jsonl.old', 'out.jsonl.older']);
  expect(await filesIn(paths)).toEqual(['out.jsonl.old.2', 'out.jsonl.run.json', 'victim']);
  await rm(`${paths.output}.old.2`);
});
