import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { findEmbedded } from '../../src/doctor/find-embedded.ts';
import { scratchFolder } from '../helpers/scratch-folder.ts';

test('the package that is installed here', async () => {
  expect((await findEmbedded()).version).toMatch(/^\d+\.\d+\.\d+/);
});

test('none where it is not installed, and the version of the one beside the program', async () => {
  const folder = await scratchFolder();
  const importer = pathToFileURL(join(folder, 'program.js')).href;
  expect(await findEmbedded(importer)).toEqual({ version: null });
  const installed = join(folder, 'node_modules', 'node-llama-cpp');
  await mkdir(join(installed, 'dist'), { recursive: true });
  await writeFile(join(installed, 'package.json'), '{"version":"9.8.7","exports":"./dist/index.js"}');
  await writeFile(join(installed, 'dist', 'index.js'), 'throw new Error("loaded")');
  expect(await findEmbedded(importer)).toEqual({ version: '9.8.7' });
});
