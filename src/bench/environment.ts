import { readFile, writeFile } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import { z } from 'zod';
import { UsageError } from '../core/errors.ts';
import { answerSettingsSchema, runnerSettingsSchema } from '../core/settings-schema.ts';
import { version } from '../core/version.ts';
import { findGpus } from '../doctor/find-gpus.ts';
import { findInstalls } from './engine-install.ts';
import type { TrialBase } from './trial-request.ts';

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
  schema_version: z.literal(1),
  llmbatch: z.string(),
  created_at: z.string(),
  /** The command line, for whoever wants to measure it again. */
  command: z.array(z.string()),
  node: z.string(),
  platform: z.string(),
  cpu: z.object({ model: z.string(), threads: z.number() }),
  memory_bytes: z.number(),
  gpus: z.array(z.object({ name: z.string(), driver: z.string(), memory_bytes: z.number().nullable() })),
  /** What all trials share; `bench --resume` takes it from here. */
  settings: answerSettingsSchema,
  runner: runnerSettingsSchema,
  report: reportFlagsSchema.default({}),
  /** Of each backend, where several are compared. */
  installs: z.record(z.string(), z.object({ bytes: z.number().nullable(), services: z.number() })).default({}),
});

/** `environment.json`: what must be known beside a bench's numbers. No key or secret is in it. */
export type BenchEnvironment = z.infer<typeof schema>;

interface Circumstances {
  command: string[];
  flags: object;
  backends: readonly string[];
  environment: NodeJS.ProcessEnv;
}

export async function describeEnvironment(
  { settings, runner }: TrialBase,
  { command, flags, backends, environment }: Circumstances,
): Promise<BenchEnvironment> {
  const { gpus } = await findGpus(environment);
  return {
    schema_version: 1,
    llmbatch: version,
    created_at: new Date().toISOString(),
    command,
    node: process.versions.node,
    platform: `${process.platform}-${process.arch} ${release()}`,
    cpu: { model: cpus()[0]?.model ?? 'unknown', threads: cpus().length },
    memory_bytes: totalmem(),
    gpus: gpus.map(({ name, driver, totalBytes }) => ({ name, driver, memory_bytes: totalBytes })),
    settings,
    runner,
    report: reportFlagsSchema.parse(flags),
    installs: await findInstalls(backends, {
      ...environment,
      ...(runner.python === null ? {} : { LLMBATCH_PYTHON: runner.python }),
    }),
  };
}

export const writeEnvironment = (path: string, environment: BenchEnvironment): Promise<void> =>
  writeFile(path, `${JSON.stringify(environment, null, 2)}\n`);

export async function readEnvironment(path: string): Promise<BenchEnvironment> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    throw new UsageError(
      `${path} does not say how the bench was started`,
      `Start it anew. (${String(error).slice(0, 200)})`,
    );
  }
}
