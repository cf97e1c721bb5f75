import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findManifest } from '../../../src/journal/manifest/find-manifest.ts';
import { writeManifest } from '../../../src/journal/manifest/manifest.ts';
import { pathsOf } from '../../../src/journal/manifest/run-paths.ts';
import { scratchFolder } from '../../helpers/scratch-folder.ts';
import { sampleManifest } from '../sample-manifest.ts';

test('the manifest of llmbatch 0.1 is found for the output that it names, and for no other', async () => {
  const folder = await scratchFolder();
  const earlier = join(folder, 'foo.run.json');
  await writeManifest(earlier, sampleManifest({ output: '/where/it/was/foo.jsonl' }));
  const found = await findManifest(pathsOf(join(folder, 'foo.jsonl')));
  expect(found).toMatchObject({ output: join(folder, 'foo.jsonl'), manifestPath: earlier });
  expect(await findManifest(pathsOf(join(folder, 'foo')))).toBeNull();
});

test('the manifest under the whole name counts first', async () => {
  const folder = await scratchFolder();
  const paths = pathsOf(join(folder, 'foo.jsonl'));
  await writeManifest(join(folder, 'foo.run.json'), sampleManifest({ output: paths.output, runId: 'earlier' }));
  await writeManifest(paths.manifest, sampleManifest({ output: '/renamed/since.jsonl', runId: 'later' }));
  expect((await findManifest(paths))?.manifest.runId).toBe('later');
});

test('a file of another kind under the earlier name is none', async () => {
  const folder = await scratchFolder();
  await writeFile(join(folder, 'foo.run.json'), 'my notes');
  expect(await findManifest(pathsOf(join(folder, 'foo.jsonl')))).toBeNull();
});
