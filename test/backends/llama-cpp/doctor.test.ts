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
const none = { server: null, why: 'no llama-server is on the PATH', form: 'library' } as const;
const found: ExaminedPackage = { version: '9.8.7', device: 'CPU', hasOpenmp: true, auto: none, builds, model: null };
const rtx = { name: 'RTX 4080', driver: '560.35', totalBytes: null, usedBytes: null, freeBytes: null };
const machineOf = (gpus: Gpu[]): Machine => ({ platform: 'linux', freeMemoryBytes: 0, gpu: { gpus, failure: null } });

test('its row says what it computes on, or how to install it where it is not', () => {
  const rowOf = (one: Parameters<typeof examinedPackage>[0]): unknown => {
    const examined = examinedPackage(one);
    return [examined.isUsable, ...examined.report(machineOf([])).rows];
  };
  const form = [
    '',
    'a run takes this library (server=off); --option server=auto takes it too: no llama-server is on the PATH',
  ];
  expect([{ ...found, device: 'Vulkan' }, { ...found, device: null }, null].map(rowOf)).toEqual([
    [true, ['llama-cpp', 'node-llama-cpp 9.8.7, computes on Vulkan'], form],
    [true, ['llama-cpp', 'node-llama-cpp 9.8.7, computes on n/a'], form],
    [false, ['llama-cpp', 'not installed: npm install node-llama-cpp']],
  ]);
});

test('a GPU beside an engine on the CPU is a finding, and beside one that uses it is none', () => {
  const findingsOf = (device: string): Finding[] =>
    examinedPackage({ ...found, device }).report(machineOf([rtx])).findings;
  expect(findingsOf('CPU')).toEqual([
    expect.objectContaining({ level: 'warning', text: expect.stringContaining('(RTX 4080)') as string }),
  ]);
  expect(findingsOf('CUDA')).toEqual([]);
});

test('a llama-server that server=auto would take is named, with its version', () => {
  const server = { path: '/usr/bin/llama-server', version: '0.7.0 (build 11669)', devices: [] };
  const examined = examinedPackage({ ...found, auto: { server, why: 'it is newer', form: 'llama-server' } });
  expect(examined.report(machineOf([])).rows[1]?.[1]).toMatch(
    /server=auto would take \/usr\/bin\/llama-server, version 0\.7\.0 \(build 11669\)$/,
  );
  expect(examined.json).toMatchObject({ embedded: { form: 'library', server: { version: '0.7.0 (build 11669)' } } });
});

test('a library without OpenMP is a hint on the CPU of Linux, with the command that builds it', () => {
  const hintsOf = (changes: Partial<ExaminedPackage>, platform = 'linux'): string[] =>
    examinedPackage({ ...found, hasOpenmp: false, ...changes })
      .report({ ...machineOf([]), platform })
      .findings.map(({ id, fix }) => `${id}: ${fix.split('\n').at(-1)}`);
  expect(hintsOf({})).toEqual(['llama-cpp-no-openmp: npx --no node-llama-cpp source download --gpu false']);
  expect([hintsOf({ hasOpenmp: true }), hintsOf({ device: 'CUDA' }), hintsOf({}, 'darwin')]).toEqual([[], [], []]);
});

test('a model file that is named has a row, and one that is broken is an error too', () => {
  const reported = (model: ExaminedPackage['model']): unknown => {
    const { rows, findings } = examinedPackage({ ...found, model }).report(machineOf([]));
    return [rows[2], ...findings];
  };
  const file = { name: 'x.gguf', bytes: 5_000_000 };
  expect(reported({ ...file, kind: 'chat', problem: null })).toEqual([['', 'x.gguf: 4.8 MiB, has a chat template']]);
  expect(reported({ ...file, kind: null, problem: { text: 'x.gguf is cut', fix: 'Download it again.' } })).toEqual([
    ['', 'x.gguf: 4.8 MiB, broken'],
    expect.objectContaining({ level: 'error', id: 'llama-cpp-broken-model', text: 'x.gguf is cut' }),
  ]);
});
