import { messageOf } from '../core/errors.ts';
import type { Gpu, GpuSearch } from '../core/doctor/examination.ts';
import { type AmdGpu, cardsFolder, readAmdGpus } from './amd-gpus.ts';
import { queryArguments, readGpuLine } from './nvidia-smi.ts';

const fields = ['name', 'driver', 'totalBytes', 'usedBytes', 'freeBytes'] as const;

const maxMs = 10_000;

/**
 * Finds NVIDIA's GPUs by one call of `nvidia-smi`; where that is not there, which is a normal case, AMD's by the files of their
 * driver.
 */
export async function findGpus(environment: NodeJS.ProcessEnv, amdFolder = cardsFolder): Promise<GpuSearch> {
  const { execa } = await import('execa');
  const outcome = await execa('nvidia-smi', queryArguments(fields), {
    env: environment,
    extendEnv: false,
    stdin: 'ignore',
    timeout: maxMs,
    reject: false,
  });
  if (outcome.code === 'ENOENT') return { gpus: (await readAmdGpus(amdFolder)).map(withoutSample), failure: null };
  const lines = outcome.stdout.split('\n').filter((line) => line.trim() !== '');
  const gpus = lines.map((line) => readGpuLine(line, fields)).filter((gpu) => gpu !== null);
  if (!outcome.failed && gpus.length > 0) return { gpus, failure: null };
  const message = [...lines, ...outcome.stderr.split('\n')].find((line) => line.trim() !== '');
  return { gpus: [], failure: message?.trim() ?? messageOf(outcome.cause ?? 'it printed nothing') };
}

const withoutSample = ({ name, driver, totalBytes, usedBytes, freeBytes }: AmdGpu): Gpu => ({
  name,
  driver,
  totalBytes,
  usedBytes,
  freeBytes,
});
