import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { examinedPackage, findPackageVersion } from '../../../src/backends/llama-cpp/doctor.ts';
import { scratchFolder } from '../../helpers/scratch-folder.ts';

test('the package that is installed here', async () => {
  expect(await findPackageVersion()).toMatch(/^\d+\.\d+\.\d+/);
});

test('none where it is not installed, and the version of the one beside the program', async () => {
  const folder = await scratchFolder();
  const importer = pathToFileURL(join(folder, 'program.js')).href;
  expect(await findPackageVersion(importer)).toBeNull();
  const installed = join(folder, 'node_modules', 'node-llama-cpp');
  await mkdir(join(installed, 'dist'), { recursive: true });
  await writeFile(join(installed, 'package.json'), '{"version":"9.8.7","exports":"./dist/index.js"}');
  await writeFile(join(installed, 'dist', 'index.js'), 'throw new Error("loaded")');
  expect(await findPackageVersion(importer)).toBe('9.8.7');
});

test('its row says how to install it where it is not', () => {
  const machine = { platform: 'linux', freeMemoryBytes: 0, gpu: { gpus: [], failure: null } };
  const [there, missing] = [examinedPackage('9.8.7'), examinedPackage(null)];
  expect([there.isUsable, there.report(machine).rows]).toEqual([true, [['llama-cpp', 'node-llama-cpp 9.8.7']]]);
  expect([missing.isUsable, missing.report(machine).rows]).toEqual([
    false,
    [['llama-cpp', 'not installed: npm install node-llama-cpp']],
  ]);
});
