import { mkdir, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeManifest } from '../../../src/journal/manifest/manifest.ts';
import { createRunFolder, isInRunFolder } from '../../../src/journal/manifest/run-folder.ts';
import { outputPathFor, pathsOf, shardInName } from '../../../src/journal/manifest/run-paths.ts';
import { findRuns, forgetRun, rememberRun } from '../../../src/journal/manifest/started-runs.ts';
import { scratchFolder } from '../../helpers/scratch-folder.ts';
import { sampleManifest } from '../sample-manifest.ts';

test.each([
  ['mine.jsonl', 'mine.results.jsonl'],
  ['/data/rows.csv', '/data/rows.results.jsonl'],
  ['data/no-ending', 'data/no-ending.results.jsonl'],
  ['gemma.v2', 'gemma.v2.results.jsonl'],
  ['a.tar.ndjson', 'a.tar.results.jsonl'],
  ['rows.TSV', 'rows.results.jsonl'],
  ['x.jsonl.gz', 'x.results.jsonl'],
  ['x.parquet', 'x.results.jsonl'],
  ['.csv', '.csv.results.jsonl'],
])('the results of %s go to %s', (input, output) => {
  expect(outputPathFor(input)).toBe(output);
});

test('the results of a shard have its number in their name, and are known by it', () => {
  const output = outputPathFor('/data/rows.csv', { index: 2, count: 3 });
  expect([output, shardInName(output)]).toEqual(['/data/rows.results.2-of-3.jsonl', { index: 2, count: 3 }]);
  for (const other of ['x.results.jsonl', 'x.results.4-of-3.jsonl', 'x.0-of-3.jsonl', 'x.1-of-3.csv', '1-of-3.jsonl'])
    expect(shardInName(other)).toBeNull();
});

test('the files of a run lie beside its output, under its whole name', () => {
  expect(pathsOf('/data/in.results.jsonl')).toEqual({
    output: '/data/in.results.jsonl',
    manifest: '/data/in.results.jsonl.run.json',
    spool: '/data/in.results.jsonl.run.input',
    engineLog: '/data/in.results.jsonl.engine.log',
    earlierManifests: ['/data/in.results.run.json'],
  });
});

test('outputs whose names differ share nothing', () => {
  const names = ['foo', 'foo.jsonl', 'foo.jsonl.jsonl', 'foo.json'];
  const files = names.flatMap((name) => {
    const { output, manifest, spool, engineLog } = pathsOf(`/data/${name}`);
    return [output, manifest, spool, engineLog];
  });
  expect(new Set(files).size).toBe(files.length);
});

test('every name of an output leads to the same places', async () => {
  const folder = await scratchFolder();
  await mkdir(join(folder, 'disk'));
  await writeFile(join(folder, 'disk', 'real.jsonl'), '');
  await symlink('disk/real.jsonl', join(folder, 'link.jsonl'));
  await symlink('link.jsonl', join(folder, 'chain.jsonl'));
  await symlink('disk', join(folder, 'by-folder'));
  await symlink('disk/new.jsonl', join(folder, 'dangling.jsonl'));
  await symlink('round.jsonl', join(folder, 'round.jsonl'));
  const outputs = ['link.jsonl', 'chain.jsonl', 'by-folder/real.jsonl', 'by-folder/../disk/real.jsonl'];
  const found = outputs.map((name) => pathsOf(join(folder, name)).output);
  expect(new Set(found)).toEqual(new Set([join(folder, 'disk', 'real.jsonl')]));
  expect(pathsOf(join(folder, 'dangling.jsonl')).output).toBe(join(folder, 'disk', 'new.jsonl'));
  expect(pathsOf(join(folder, 'by-folder', 'later', 'a.jsonl')).output).toBe(join(folder, 'disk', 'later', 'a.jsonl'));
  // What can't be opened is told by whoever opens it.
  expect(pathsOf(join(folder, 'round.jsonl')).output).toBe(join(folder, 'round.jsonl'));
});

test('a run to stdout has a folder of its own that only its user may read', async () => {
  const environment = { XDG_STATE_HOME: join(await scratchFolder(), 'state') };
  const [first, second] = [await createRunFolder(environment), await createRunFolder(environment)];
  expect(first.output).not.toBe(second.output);
  expect((await stat(join(first.output, '..'))).mode & 0o777).toBe(0o700);
  expect([isInRunFolder(first.output, environment), isInRunFolder('/data/out.jsonl', environment)]).toEqual([
    true,
    false,
  ]);
});

test('the runs of a folder are found, the newest first: those that lie in it, and those started in it', async () => {
  const root = await scratchFolder();
  const environment = { XDG_STATE_HOME: join(root, 'state') };
  const [here, elsewhere] = [join(root, 'here'), join(root, 'elsewhere')];
  await Promise.all([here, elsewhere].map((folder) => mkdir(folder)));
  const start = async (path: string, cwd: string): Promise<void> => {
    await writeManifest(path, sampleManifest({ cwd, runId: path }));
    await rememberRun(path, environment);
  };
  await start(join(here, 'a.run.json'), '/gone');
  await start(join(elsewhere, 'b.run.json'), here);
  await start(join(elsewhere, 'c.run.json'), elsewhere);
  await writeFile(join(here, 'rubbish.run.json'), '{');
  const found = await findRuns(here, environment);
  expect(found.map(({ manifestPath }) => manifestPath)).toEqual([
    join(elsewhere, 'b.run.json'),
    join(here, 'a.run.json'),
  ]);
  await forgetRun(join(elsewhere, 'b.run.json'), environment);
  expect(await findRuns(here, environment)).toHaveLength(1);
});

test('the pointer to a run that was deleted goes with the next look', async () => {
  const root = await scratchFolder();
  const environment = { XDG_STATE_HOME: join(root, 'state') };
  const started = join(root, 'state', 'llmbatch', 'started');
  await mkdir(join(root, 'work'));
  for (const name of ['kept', 'deleted']) {
    await writeManifest(join(root, 'work', `${name}.run.json`), sampleManifest({ cwd: root }));
    await rememberRun(join(root, 'work', `${name}.run.json`), environment);
  }
  await rm(join(root, 'work', 'deleted.run.json'));
  expect(await findRuns(root, environment)).toHaveLength(1);
  expect(await readdir(started)).toHaveLength(1);
});

test('without a state directory that can be written, a run goes on and nothing is found', async () => {
  const folder = await scratchFolder();
  await writeFile(join(folder, 'file'), '');
  const environment = { XDG_STATE_HOME: join(folder, 'file') };
  await rememberRun(join(folder, 'a.run.json'), environment);
  await forgetRun(join(folder, 'a.run.json'), environment);
  expect(await findRuns(folder, environment)).toEqual([]);
  expect(await readdir(folder)).toEqual(['file']);
});
