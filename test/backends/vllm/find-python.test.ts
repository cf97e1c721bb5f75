import { spawnSync } from 'node:child_process';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { expect, test } from 'vitest';
import { findPython as find } from '../../../src/backends/vllm/find-python.ts';
import { onlyPrograms } from '../../helpers/only-programs.ts';
import { scratchFolder } from '../../helpers/scratch-folder.ts';

const findPython = (environment: NodeJS.ProcessEnv, python: string | null = null) =>
  find({ connection: { python }, environment });

const answering = (python: string, vllm: string | null): string => `echo '${JSON.stringify({ python, vllm })}'`;

test('python3 of the PATH, with or without vLLM', async () => {
  const nothing = { command: 'python3', namedBy: 'PATH', failure: null };
  const without = await onlyPrograms({ python3: answering('3.11.7', null) });
  expect(await findPython(without)).toEqual({ ...nothing, version: '3.11.7', vllmVersion: null });
  const having = await onlyPrograms({ python3: answering('3.12.1', '0.13.0') });
  expect(await findPython(having)).toEqual({ ...nothing, version: '3.12.1', vllmVersion: '0.13.0' });
});

test('LLMBATCH_PYTHON comes before the active environment, and that before python3', async () => {
  const { PATH } = await onlyPrograms({ python3: answering('3.1.0', null), mine: answering('3.3.0', null) });
  const VIRTUAL_ENV = await scratchFolder();
  await mkdir(join(VIRTUAL_ENV, 'bin'));
  const venv = await onlyPrograms({ python: answering('3.2.0', null) });
  await rename(join(venv['PATH']!, 'python'), join(VIRTUAL_ENV, 'bin', 'python'));
  expect(await findPython({ PATH, VIRTUAL_ENV, LLMBATCH_PYTHON: 'mine' })).toMatchObject({
    namedBy: 'LLMBATCH_PYTHON',
    version: '3.3.0',
  });
  expect(await findPython({ PATH, VIRTUAL_ENV })).toMatchObject({ namedBy: 'VIRTUAL_ENV', version: '3.2.0' });
  expect(await findPython({ PATH })).toMatchObject({ namedBy: 'PATH', version: '3.1.0' });
});

test('--python comes before them all', async () => {
  const { PATH } = await onlyPrograms({ told: answering('3.4.0', null), mine: answering('3.3.0', null) });
  expect(await findPython({ PATH, LLMBATCH_PYTHON: 'mine' }, 'told')).toMatchObject({
    namedBy: '--python',
    version: '3.4.0',
  });
});

test('none, one that fails, and one that is something else', async () => {
  expect(await findPython(await onlyPrograms())).toMatchObject({ version: null, failure: 'it is not there' });
  const failing = await onlyPrograms({ python3: 'echo one >&2; echo "pyenv: no version is set" >&2; exit 1' });
  expect(await findPython(failing)).toMatchObject({ version: null, failure: 'pyenv: no version is set' });
  const other = await onlyPrograms({ python3: 'echo hello' });
  expect(await findPython(other)).toMatchObject({ version: null, failure: 'it gives no answer' });
});

const hasPython = spawnSync('python3', ['-c', 'import importlib.metadata']).status === 0;

test.skipIf(!hasPython)("a real Python reads vLLM's version without importing it", async () => {
  const site = await scratchFolder();
  await mkdir(join(site, 'vllm-0.12.3.dist-info'));
  await writeFile(
    join(site, 'vllm-0.12.3.dist-info', 'METADATA'),
    'Metadata-Version: 2.1\nName: vllm\nVersion: 0.12.3\n',
  );
  await mkdir(join(site, 'vllm'));
  await writeFile(join(site, 'vllm', '__init__.py'), 'raise SystemExit("imported")\n');
  const environment = { PATH: process.env['PATH'], PYTHONPATH: ['', site].join(delimiter) };
  expect(await findPython(environment)).toMatchObject({
    version: expect.stringMatching(/^3\.\d+/),
    vllmVersion: '0.12.3',
    failure: null,
  });
});
