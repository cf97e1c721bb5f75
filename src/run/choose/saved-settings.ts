import { opaqueKeys } from '../../core/settings.ts';
import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { replaceFile } from '../../files/replace-file.ts';
import { formatInteger, formatRate } from '../../text/format.ts';
import { camelKeys, snakeKeys } from '../../text/snake-keys.ts';
import { findGpus } from '../../machine/find-gpus.ts';
import { makeFolder } from '../../files/make-folder.ts';
import { stateFolder } from '../../journal/manifest/run-folder.ts';

/** Version of the files that are written; 1 did not know the length of the answers. */
const schemaVersion = 2;

const schema = z.object({
  schemaVersion: z.number().max(schemaVersion),
  backend: z.string(),
  model: z.string(),
  digest: z.string().nullable(),
  /** Address of the server; null: an engine of our own. */
  server: z.string().nullable().default(null),
  /** The GPUs, or where there are none the CPU. */
  hardware: z.string(),
  options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  /** Requests in flight. */
  workers: z.number().int().positive(),
  /** Requests per second that it reached. */
  rate: z.number(),
  /** Tokens of an answer in the mean: with longer ones another number of workers may be best. Null: not measured. */
  completionTokens: z.number().nullable().default(null),
  /** ISO 8601. */
  measuredAt: z.string(),
  /** The folder of the bench. */
  bench: z.string(),
});

/**
 * The best setting that a bench found: of this backend, these weights, this server, on this hardware, with these
 * options.
 */
export type BestSetting = z.infer<typeof schema>;

type SettingKey = Pick<BestSetting, 'backend' | 'model' | 'options'>;

/**
 * Keeps it under the user's state directory, in place of an earlier one. Resolves to the file. Throws JournalError
 * where it can't be written.
 */
export async function saveBest(
  setting: Omit<BestSetting, 'schemaVersion'>,
  environment: NodeJS.ProcessEnv,
): Promise<string> {
  const folder = folderOf(environment);
  const { backend, model, digest, server, hardware, options } = setting;
  const key = createHash('sha256').update(
    JSON.stringify([backend, digest ?? model, server, hardware, textOf(options)]),
  );
  const path = join(folder, `${backend}-${key.digest('hex').slice(0, 16)}.json`);
  await makeFolder(folder, 0o700);
  const wire = { schema_version: schemaVersion, ...(snakeKeys(setting, opaqueKeys) as object) };
  await replaceFile(path, null, (draft) => draft.writeFile(`${JSON.stringify(wire, null, 2)}\n`));
  return path;
}

/**
 * The newest setting that was measured here for this model and these options. Whether the weights are the same is
 * checked when the engine is open.
 */
export async function findBest(
  { backend, model, options }: SettingKey,
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
  return here.toSorted((left, right) => (left.measuredAt < right.measuredAt ? 1 : -1))[0] ?? null;
}

/** `6, the best that a bench found on 2026-01-31 (...)`. */
export function describeBest({ workers, rate, completionTokens, measuredAt, bench }: BestSetting): string {
  const tokens = completionTokens === null ? '' : ` with answers of about ${formatInteger(completionTokens)} tokens`;
  const other = completionTokens === null ? '' : '; if yours are much longer or shorter, choose with --workers';
  return `${workers}, the best that a bench found on ${measuredAt.slice(0, 10)} (${formatRate(rate)} req/s${tokens}; ${bench})${other}`;
}

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

/** Reads a saved setting; null where the file is not ours, or of a newer version: a bench writes it anew. */
async function readSetting(path: string): Promise<BestSetting | null> {
  try {
    return schema.parse(camelKeys(JSON.parse(await readFile(path, 'utf8')), opaqueKeys));
  } catch {
    return null;
  }
}

const folderOf = (environment: NodeJS.ProcessEnv): string => join(stateFolder(environment), 'best-settings');

const textOf = (options: BestSetting['options']): string =>
  JSON.stringify(Object.entries(options).toSorted(([left], [right]) => (left < right ? -1 : 1)));
