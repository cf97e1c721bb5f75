import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { findGpus } from '../../src/machine/find-gpus.ts';
import { onlyPrograms } from '../helpers/only-programs.ts';

const mebibyte = 1024 ** 2;

test('each line of nvidia-smi is a GPU; what the driver does not know is null', async () => {
  const body = `echo "NVIDIA GeForce RTX 4080, 560.35.03, 16376, 1024, 15352"
echo "NVIDIA GB10, 580.95.05, [N/A], [N/A], [N/A]"`;
  expect(await findGpus(await onlyPrograms({ 'nvidia-smi': body }))).toEqual({
    failure: null,
    gpus: [
      {
        name: 'NVIDIA GeForce RTX 4080',
        driver: '560.35.03',
        totalBytes: 16_376 * mebibyte,
        usedBytes: 1024 * mebibyte,
        freeBytes: 15_352 * mebibyte,
      },
      { name: 'NVIDIA GB10', driver: '580.95.05', totalBytes: null, usedBytes: null, freeBytes: null },
    ],
  });
});

test('it is asked once, for exactly what is read', async () => {
  const environment = await onlyPrograms({ 'nvidia-smi': 'echo "$*" >> "$PATH/calls"; echo "a, 1, 2, 1, 1"' });
  await findGpus(environment);
  expect(await readFile(`${environment['PATH']}/calls`, 'utf8')).toBe(
    '--query-gpu=name,driver_version,memory.total,memory.used,memory.free --format=csv,noheader,nounits\n',
  );
});

test('without nvidia-smi there is nothing, and nothing wrong', async () => {
  expect(await findGpus(await onlyPrograms())).toEqual({ gpus: [], failure: null });
});

test('a driver that fails is told in its own words', async () => {
  const body = 'echo "NVIDIA-SMI has failed because it could not communicate with the driver."; echo; exit 9';
  expect(await findGpus(await onlyPrograms({ 'nvidia-smi': body }))).toEqual({
    gpus: [],
    failure: 'NVIDIA-SMI has failed because it could not communicate with the driver.',
  });
  const none = await findGpus(await onlyPrograms({ 'nvidia-smi': 'echo "No devices were found"' }));
  expect(none).toEqual({ gpus: [], failure: 'No devices were found' });
});
