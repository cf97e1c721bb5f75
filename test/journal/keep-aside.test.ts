import { readFile, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findManifest } from '../../src/journal/find-manifest.ts';
import { keepAside, removeAside, undoAside } from '../../src/journal/keep-aside.ts';
import { writeManifest } from '../../src/journal/manifest.ts';
import { type RunPlaces, placesOf } from '../../src/journal/run-places.ts';
import { scratchFolder } from '../helpers/scratch-folder.ts';
import { sampleManifest } from './sample-manifest.ts';

/** A run of standard input that has results. */
async function earlierRun(): Promise<RunPlaces> {
  const places = placesOf(join(await scratchFolder(), 'out.jsonl'));
  await writeFile(places.output, 'results\n');
  await writeFile(places.spool, 'input\n');
  const input = { ...sampleManifest().input, path: '-', spool: places.spool };
  await writeManifest(places.manifest, sampleManifest({ output: places.output, input }));
  return places;
}

const filesIn = async (places: RunPlaces): Promise<string[]> => (await readdir(dirname(places.output))).toSorted();
const keep = async (places: RunPlaces): Promise<string> => keepAside(places, await findManifest(places));

const whole = ['out.jsonl', 'out.jsonl.run.input', 'out.jsonl.run.json'];

test('what is kept aside is a run of its own, and the manifest stays until another one replaces it', async () => {
  const places = await earlierRun();
  expect(await keep(places)).toBe('out.jsonl.old');
  const aside = ['out.jsonl.old', 'out.jsonl.old.run.input', 'out.jsonl.old.run.json'];
  expect(await filesIn(places)).toEqual([...aside, 'out.jsonl.run.json']);
  const found = await findManifest(placesOf(`${places.output}.old`));
  expect(found?.manifest.run_id).toBe(sampleManifest().run_id);
});

test("a file or link of the user's under that name is stepped over", async () => {
  const places = await earlierRun();
  await writeFile(`${places.output}.old`, 'precious');
  await symlink('nothing', `${places.output}.old.2`);
  await writeFile(`${places.output}.old.3.run.json`, 'precious');
  expect(await keep(places)).toBe('out.jsonl.old.4');
  expect(await readFile(`${places.output}.old`, 'utf8')).toBe('precious');
});

describe('a crash', () => {
  test('before the output was renamed leaves the run whole, and the next try takes the same name', async () => {
    const places = await earlierRun();
    await writeFile(`${places.output}.old.run.json`, await readFile(places.manifest));
    await undoAside(places);
    expect(await readFile(places.output, 'utf8')).toBe('results\n');
    expect(await keep(places)).toBe('out.jsonl.old');
  });

  test.each([
    ['with its input', (_places: RunPlaces): Promise<void> => Promise.resolve()],
    ['before its input', ({ spool, output }: RunPlaces): Promise<void> => rename(`${output}.old.run.input`, spool)],
  ])('after the output was renamed, %s, is undone', async (_name, step) => {
    const places = await earlierRun();
    await keep(places);
    await step(places);
    await undoAside(places);
    expect(await filesIn(places)).toEqual(whole);
    expect(await readFile(places.output, 'utf8')).toBe('results\n');
  });

  test('after the new output was made, and before its manifest stood, is undone', async () => {
    const places = await earlierRun();
    await keep(places);
    await writeFile(places.output, '');
    await undoAside(places);
    expect(await filesIn(places)).toEqual(whole);
    expect(await readFile(places.output, 'utf8')).toBe('results\n');
  });

  test('in the undoing is undone by the next one', async () => {
    const places = await earlierRun();
    await keep(places);
    await rename(`${places.output}.old.run.input`, places.spool);
    await undoAside(places);
    expect(await filesIn(places)).toEqual(whole);
  });
});

test('what another run has taken the place of is not brought back', async () => {
  const places = await earlierRun();
  await keep(places);
  await writeManifest(places.manifest, sampleManifest({ run_id: 'the new one' }));
  await undoAside(places);
  expect(await filesIn(places)).not.toContain('out.jsonl');
});

test('only what lies aside under its own name is removed, and never through a link', async () => {
  const places = await earlierRun();
  await keep(places);
  const folder = dirname(places.output);
  await writeFile(join(folder, 'victim'), 'precious');
  await symlink('victim', `${places.output}.old.2`);
  await removeAside(places, ['out.jsonl.old', 'out.jsonl.old.2', 'victim', '../out.jsonl.old', 'out.jsonl.older']);
  expect(await filesIn(places)).toEqual(['out.jsonl.old.2', 'out.jsonl.run.json', 'victim']);
  await rm(`${places.output}.old.2`);
});
