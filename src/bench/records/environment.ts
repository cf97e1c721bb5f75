import { readFile, writeFile, lstat, readdir } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import { z } from 'zod';
import type { BackendDefinition } from '../../core/backend.ts';
import type { BackendAddress } from '../../core/connection.ts';
import { UsageError } from '../../core/errors.ts';
import { answerSettingsSchema, runnerSettingsSchema } from '../../core/settings-schema.ts';
import { sealOf } from '../../journal/manifest/seal.ts';
import { version } from '../../files/version.ts';
import { camelKeys, snakeKeys } from '../../text/snake-keys.ts';
import { type AnswerSettings, type RunnerSettings, opaqueKeys } from '../../core/settings.ts';
import { schemaVersion } from './trials-wire.ts';
import { findGpus } from '../../machine/find-gpus.ts';
import { join } from 'node:path';

/** What all trials of a bench have in common: the flags of the user. */
export interface TrialBase {
  settings: AnswerSettings;
  runner: RunnerSettings;
}

/** Flags of the report: what it projects to, and what it holds the trials against. */
const reportFlagsSchema = z.object({
  project: z.array(z.number()).optional(),
  priceIn: z.number().optional(),
  priceOut: z.number().optional(),
  weights: z.record(z.string(), z.number()).optional(),
  vramDelta: z.number().optional(),
  vramLeak: z.number().optional(),
  rateVariance: z.number().optional(),
  maxReloads: z.number().optional(),
  minSuccess: z.number().optional(),
});

const schema = z.object({
  schemaVersion: z.number().max(schemaVersion),
  llmbatch: z.string(),
  createdAt: z.string(),
  /** The command line that measures it again. */
  command: z.array(z.string()),
  node: z.string(),
  platform: z.string(),
  cpu: z.object({ model: z.string(), threads: z.number() }),
  memoryBytes: z.number(),
  gpus: z.array(z.object({ name: z.string(), driver: z.string(), memoryBytes: z.number().nullable() })),
  /** What all trials share; `bench --resume` takes it from here. */
  settings: answerSettingsSchema,
  runner: runnerSettingsSchema,
  report: reportFlagsSchema.default({}),
  /** What each backend takes on this machine's disk, where several are compared. */
  installs: z.record(z.string(), z.object({ bytes: z.number().nullable() })).default({}),
  /** Marks the file as written by a bench of this user, as a manifest is marked; null where there is no key. */
  seal: z.string().nullable().default(null),
});

/** `environment.json`: what must be known beside a bench's numbers. No key or secret is in it. */
export type BenchEnvironment = z.infer<typeof schema>;

interface Circumstances {
  command: string[];
  flags: object;
  /** The engines that are compared. */
  backends: readonly BackendDefinition[];
  environment: NodeJS.ProcessEnv;
}

export async function describeEnvironment(
  { settings, runner }: TrialBase,
  { command, flags, backends, environment }: Circumstances,
): Promise<BenchEnvironment> {
  const { gpus } = await findGpus(environment);
  return {
    schemaVersion,
    llmbatch: version,
    createdAt: new Date().toISOString(),
    command,
    node: process.versions.node,
    platform: `${process.platform}-${process.arch} ${release()}`,
    cpu: { model: cpus()[0]?.model ?? 'unknown', threads: cpus().length },
    memoryBytes: totalmem(),
    gpus: gpus.map(({ name, driver, totalBytes }) => ({ name, driver, memoryBytes: totalBytes })),
    settings,
    runner,
    report: reportFlagsSchema.parse(flags),
    installs: await findInstalls(backends, { connection: runner.connections[0] ?? {}, environment }),
    seal: null,
  };
}

/** Writes it, sealed with the key as this user's own. */
export async function writeEnvironment(
  path: string,
  environment: BenchEnvironment,
  sealKey: Buffer | null,
): Promise<void> {
  const plain = toWire(environment);
  const sealed = sealKey === null ? plain : { ...plain, seal: sealOf(JSON.stringify(plain, null, 2), sealKey) };
  await writeFile(path, `${JSON.stringify(sealed, null, 2)}\n`);
}

/** The connection is a list, as in a manifest: one bench can have several servers. */
function toWire({ runner: { connections, ...runner }, ...environment }: BenchEnvironment): object {
  const connection = connections.filter((given) => Object.keys(given).length > 0);
  return snakeKeys({ ...environment, runner, connection }, opaqueKeys) as object;
}

/**
 * What is to be parsed as an environment, of this version or of version 1, whose runner's settings hold the connection.
 */
function fromWire(file: unknown): unknown {
  const environment = camelKeys(file, opaqueKeys) as { schemaVersion: number; connection?: unknown[]; runner: object };
  const { connection, runner } = environment;
  return connection === undefined
    ? environment
    : { ...environment, runner: { ...runner, connections: connection.length === 0 ? [{}] : connection } };
}

export async function readEnvironment(path: string): Promise<BenchEnvironment> {
  try {
    return schema.parse(fromWire(JSON.parse(await readFile(path, 'utf8'))));
  } catch {
    throw new UsageError(`${path} does not say how the bench was started`, 'Start a new bench.');
  }
}

/** What an engine takes to have: a part of its simplicity. */
export interface EngineInstall {
  /** Bytes on this machine's disk, without models; null where it isn't found here. */
  bytes: number | null;
}

/**
 * Installs of all backends. A single one is not looked for: there is nothing to compare it with, and it takes seconds.
 */
async function findInstalls(
  backends: readonly BackendDefinition[],
  address: BackendAddress,
): Promise<Record<string, EngineInstall>> {
  if (backends.length < 2) return {};
  const found = backends.map(async (backend) => [backend.name, await findInstall(backend, address)] as const);
  return Object.fromEntries(await Promise.all(found));
}

/** Looks at the files of an engine's package or program. */
async function findInstall({ installPaths }: BackendDefinition, address: BackendAddress): Promise<EngineInstall> {
  const paths = (await installPaths?.(address)) ?? [];
  const sizes = await Promise.all(paths.map(sizeOf));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  return { bytes: bytes === 0 ? null : bytes };
}

/** Bytes of a file, or of all files below a folder; 0 where there is none. */
async function sizeOf(path: string): Promise<number> {
  const stats = await lstat(path).catch(() => null);
  if (stats === null) return 0;
  if (!stats.isDirectory()) return stats.size;
  let bytes = 0;
  for (const name of await readdir(path).catch(() => [])) bytes += await sizeOf(join(path, name));
  return bytes;
}
