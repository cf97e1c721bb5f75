import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import type { Gpu, Machine } from '../../../src/core/doctor/examination.ts';
import type { Finding } from '../../../src/core/doctor/finding.ts';
import { type ExaminedPackage, examinedPackage, findPackageVersion } from '../../../src/backends/llama-cpp/doctor.ts';
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

const builds = { isCheckout: false, hasCuda: true, hasVulkan: true, renderDevice: null, version: '9.8.7' };
const rtx = { name: 'RTX 4080', driver: '560.35', totalBytes: null, usedBytes: null, freeBytes: null };
const machineOf = (gpus: Gpu[]): Machine => ({ platform: 'linux', freeMemoryBytes: 0, gpu: { gpus, failure: null } });

test('its row says what it computes on, or how to install it where it is not', () => {
  const rowOf = (found: Parameters<typeof examinedPackage>[0]): unknown => {
    const examined = examinedPackage(found);
    return [examined.isUsable, ...examined.report(machineOf([])).rows];
  };
  const version = '9.8.7';
  expect(
    [{ version, device: 'Vulkan', builds, model: null }, { version, device: null, builds, model: null }, null].map(
      rowOf,
    ),
  ).toEqual([
    [true, ['llama-cpp', 'node-llama-cpp 9.8.7, computes on Vulkan']],
    [true, ['llama-cpp', 'node-llama-cpp 9.8.7, computes on n/a']],
    [false, ['llama-cpp', 'not installed: npm install node-llama-cpp']],
  ]);
});

test('a GPU beside an engine on the CPU is a finding, and beside one that uses it is none', () => {
  const findingsOf = (device: string): Finding[] =>
    examinedPackage({ version: '9.8.7', device, builds, model: null }).report(machineOf([rtx])).findings;
  expect(findingsOf('CPU')).toEqual([
    expect.objectContaining({ level: 'warning', text: expect.stringContaining('(RTX 4080)') as string }),
  ]);
  expect(findingsOf('CUDA')).toEqual([]);
});

test('a model file that is named has a row, and one that is broken is an error too', () => {
  const reported = (model: ExaminedPackage['model']): unknown => {
    const { rows, findings } = examinedPackage({ version: '9.8.7', device: 'CPU', builds, model }).report(
      machineOf([]),
    );
    return [rows[1], ...findings];
  };
  const file = { name: 'x.gguf', bytes: 5_000_000 };
  expect(reported({ ...file, kind: 'chat', problem: null })).toEqual([['', 'x.gguf: 4.8 MiB, has a chat template']]);
  expect(reported({ ...file, kind: null, problem: { text: 'x.gguf is cut', fix: 'Download it again.' } })).toEqual([
    ['', 'x.gguf: 4.8 MiB, broken'],
    expect.objectContaining({ level: 'error', id: 'llama-cpp-broken-model', text: 'x.gguf is cut' }),
  ]);
});
