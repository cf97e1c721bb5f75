import { messageOf } from '../core/errors.ts';

export interface Gpu {
  name: string;
  driver: string;
  /** Null where the driver does not say. */
  totalBytes: number | null;
  usedBytes: number | null;
  freeBytes: number | null;
}

export interface GpuSearch {
  gpus: Gpu[];
  /** What `nvidia-smi` said instead; null where it listed GPUs, or isn't there. */
  failure: string | null;
}

const query = ['--query-gpu=name,driver_version,memory.total,memory.used,memory.free', '--format=csv,noheader,nounits'];
const maxMs = 10_000;
const mebibyte = 1024 ** 2;

/** NVIDIA's GPUs, by one call of `nvidia-smi`. That it isn't there is a normal case. */
export async function findGpus(environment: NodeJS.ProcessEnv): Promise<GpuSearch> {
  const { execa } = await import('execa');
  const outcome = await execa('nvidia-smi', query, {
    env: environment,
    extendEnv: false,
    stdin: 'ignore',
    timeout: maxMs,
    reject: false,
  });
  if (outcome.code === 'ENOENT') return { gpus: [], failure: null };
  const lines = outcome.stdout.split('\n').filter((line) => line.trim() !== '');
  const gpus = lines.map(parseLine).filter((gpu) => gpu !== null);
  if (!outcome.failed && gpus.length > 0) return { gpus, failure: null };
  const said = [...lines, ...outcome.stderr.split('\n')].find((line) => line.trim() !== '');
  return { gpus: [], failure: said?.trim() ?? messageOf(outcome.cause ?? 'it said nothing') };
}

/** `NVIDIA GeForce RTX 4080, 560.35.03, 16376, 1024, 15352`: MiB. Null where the line is a message. */
function parseLine(line: string): Gpu | null {
  const cells = line.split(',').map((cell) => cell.trim());
  if (cells.length !== 5) return null;
  const [name = '', driver = '', ...memory] = cells;
  const [totalBytes = null, usedBytes = null, freeBytes = null] = memory.map(parseMebibytes);
  return { name, driver, totalBytes, usedBytes, freeBytes };
}

/** `[N/A]` and the like are null. */
const parseMebibytes = (cell: string): number | null => (/^\d+$/.test(cell) ? Number(cell) * mebibyte : null);
