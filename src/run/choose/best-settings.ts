import { createHash, randomUUID } from 'node:crypto';
import { readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { formatRate } from '../../text/format.ts';
import { findGpus } from '../../machine/find-gpus.ts';
import { makeFolder } from '../../files/make-folder.ts';
import { stateFolder } from '../../journal/manifest/run-folder.ts';

const schema = z.object({
  schema_version: z.literal(1),
  backend: z.string(),
  model: z.string(),
  digest: z.string().nullable(),
  /** Its address; null: an engine of our own. */
  server: z.string().nullable().default(null),
  /** The GPUs, or where there are none the CPU. */
  hardware: z.string(),
  options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  /** Requests in flight. */
  workers: z.number().int().positive(),
  /** Requests per second that it reached. */
  rate: z.number(),
  /** ISO 8601. */
  measured_at: z.string(),
  /** The folder of the bench. */
  bench: z.string(),
});

/** The best setting that a bench found: of this backend, these weights, this server, on this hardware, with these options. */
export type BestSetting = z.infer<typeof schema>;

type Asked = Pick<BestSetting, 'backend' | 'model' | 'options'>;

/** Keeps it under the user's state directory, in place of an earlier one. Resolves to the file. */
export async function saveBest(setting: BestSetting, environment: NodeJS.ProcessEnv): Promise<string> {
  const folder = folderOf(environment);
  const { backend, model, digest, server, hardware, options } = setting;
  const key = createHash('sha256').update(
    JSON.stringify([backend, digest ?? model, server, hardware, textOf(options)]),
  );
  const path = join(folder, `${backend}-${key.digest('hex').slice(0, 16)}.json`);
  await makeFolder(folder, 0o700);
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, `${JSON.stringify(setting, null, 2)}\n`);
  await rename(draft, path);
  return path;
}

/** What was measured here of this model and these options, the newest; whether the weights are the same is yet to be seen. */
export async function findBest(
  { backend, model, options }: Asked,
  environment: NodeJS.ProcessEnv,
): Promise<BestSetting | null> {
  const all = await readAll(folderOf(environment));
  const fitting = all.filter(
    (known) => known.backend === backend && known.model === model && textOf(known.options) === textOf(options),
  );
  // nvidia-smi is asked only where its answer counts.
  if (fitting.length === 0) return null;
  const hardware = await describeHardware(environment);
  const here = fitting.filter((known) => known.hardware === hardware);
  return here.toSorted((left, right) => (left.measured_at < right.measured_at ? 1 : -1))[0] ?? null;
}

export const describeBest = ({ workers, rate, measured_at, bench }: BestSetting): string =>
  `workers: ${workers}, the best that a bench found on ${measured_at.slice(0, 10)} (${formatRate(rate)} req/s; ${bench})`;

/** `NVIDIA GeForce RTX 4080`, or the CPU and its threads where there is no GPU. */
export async function describeHardware(environment: NodeJS.ProcessEnv): Promise<string> {
  const { gpus } = await findGpus(environment);
  if (gpus.length > 0) return gpus.map(({ name }) => name).join(' + ');
  return `${cpus()[0]?.model.trim() ?? 'CPU'}, ${cpus().length} threads`;
}

async function readAll(folder: string): Promise<BestSetting[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json'));
  const settings = await Promise.all(names.map((name) => readSetting(join(folder, name))));
  return settings.filter((setting) => setting !== null);
}

/** Null where the file is not ours, or of another version: a bench writes it anew. */
async function readSetting(path: string): Promise<BestSetting | null> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return null;
  }
}

const folderOf = (environment: NodeJS.ProcessEnv): string => join(stateFolder(environment), 'best-settings');

const textOf = (options: BestSetting['options']): string =>
  JSON.stringify(Object.entries(options).toSorted(([left], [right]) => (left < right ? -1 : 1)));
