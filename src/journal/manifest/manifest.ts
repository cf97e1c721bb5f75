import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { JournalError, codeOf, messageOf, systemReason } from '../../core/errors.ts';
import { isSecretOption } from '../../text/secret-name.ts';
import { answerSettingsSchema, runnerSettingsSchema } from '../../core/settings-schema.ts';
import { snapshotFromWire } from '../../core/snapshot.ts';
import { isRecord } from '../../data/is-record.ts';
import { replaceFile } from '../../files/replace-file.ts';
import { isSealOf, sealOf } from './seal.ts';
import { fromWire, schemaVersion, toWire } from './wire.ts';

const modelSchema = z.object({
  backend: z.string(),
  model: z.string(),
  digest: z.string().nullable(),
  version: z.string(),
});

/**
 * Everything that is kept of a run but its results, in `<output>.run.json`. The file is replaced as a whole every few
 * seconds, so that `status` and `resume` work from files alone. It never holds a key or a secret.
 */
const storedSchema = z.object({
  /** Version of the program that wrote it. */
  llmbatch: z.string(),
  runId: z.string(),
  state: z.enum(['running', 'stopped', 'finished']),
  /** Who or what paused the run, when, and until when where that is known; null where it goes on, or has ended. */
  paused: z
    .object({ by: z.string(), since: z.string(), until: z.string().nullable().default(null) })
    .nullable()
    .default(null),
  /** Why the run stopped, as a sentence; null where it goes on or has finished. */
  reason: z.string().nullable(),
  /** The folder that the run was started in: `resume` without an argument looks for its runs. */
  cwd: z.string(),
  /** Absolute path of the output when the run was started or resumed last. */
  output: z.string(),
  input: z.object({
    /** Absolute path; `-` for standard input. */
    path: z.string(),
    /** The file that standard input is kept in; null where the input is a file itself. */
    spool: z.string().nullable(),
    bytes: z.number(),
    /** SHA-256 of the bytes, in hexadecimal; empty while the input has not been read to its end. */
    sha256: z.string(),
    /** False while the input has not been read to its end. */
    complete: z.boolean(),
    /** Lines that are requests, of the shard where there is one. */
    requests: z.number(),
    /** Lines that are not, and become failed results. */
    rejected: z.number(),
  }),
  settings: answerSettingsSchema,
  runner: runnerSettingsSchema,
  /** The part of the input that this run answers, `index` from 1; null: all of it. */
  shard: z.object({ index: z.number(), count: z.number() }).nullable().default(null),
  /** The earlier output of which this run answers only what failed there; null: all of the input. */
  failedOf: z.string().nullable().default(null),
  /** The form of the engine that was chosen among several, which a resume takes again; null where there was no choice. */
  engineForm: z.string().nullable().default(null),
  /** Models that have answered, each with what identifies its weights. */
  models: z.array(modelSchema),
  /** The mode that was chosen, and why; null before that. */
  mode: z.object({ name: z.string(), reason: z.string() }).nullable(),
  /** Names of earlier outputs that this run replaces. They lie beside the output until this run has ended well. */
  keptAside: z.array(z.string()).default([]),
  /** Names of options that hold a secret, which llmbatch 0.1 kept. Their values are neither used nor written again. */
  leftOut: z.array(z.string()).default([]),
  /** Marks the manifest as written by a run of this user; null where there is no key. */
  seal: z.string().nullable().default(null),
  /** Differences that `--allow-drift` accepted, each as a sentence. */
  drift: z.array(z.string()),
  /** Number of times that the run was started or resumed. */
  sessions: z.number(),
  /** Time of the first start; all times are ISO 8601, UTC. */
  createdAt: z.string(),
  /** Time when this state was written. */
  updatedAt: z.string(),
  /** Time when every request had its result; null before that. */
  finishedAt: z.string().nullable(),
  /** Seconds that the earlier sessions ran, and this one too once the state is not `running`. */
  earlierSeconds: z.number(),
  /** Those of them in which the run was held: paused, or giving way, with nothing in flight. */
  pausedSeconds: z.number().default(0),
  /** The numbers of this session as they were when this state was written; null before the first request. */
  summary: z
    .custom<object>((value) => typeof value === 'object' && value !== null)
    .transform(snapshotFromWire)
    .nullable(),
});

const manifestSchema = storedSchema.transform(withoutSecrets);

function withoutSecrets(manifest: z.infer<typeof storedSchema>): z.infer<typeof storedSchema> {
  const { settings, leftOut } = manifest;
  const options = Object.entries(settings.options);
  const secrets = options.filter(([name, value]) => isSecretOption(name, value));
  if (secrets.length === 0) return manifest;
  const others = options.filter((option) => !secrets.includes(option));
  const names = secrets.map(([name]) => name);
  return {
    ...manifest,
    settings: { ...settings, options: Object.fromEntries(others) },
    leftOut: [...leftOut, ...names],
  };
}

export type Manifest = z.infer<typeof manifestSchema>;

/**
 * Seconds that all sessions of a run worked, and those of them in which it was held. A session that goes on, or was killed,
 * is not in `earlierSeconds`: its time is that of its last snapshot, which is written every three seconds.
 */
export function sessionSeconds({ state, earlierSeconds, pausedSeconds, summary }: Manifest): {
  earlierSeconds: number;
  pausedSeconds: number;
} {
  if (state !== 'running' || summary === null) return { earlierSeconds, pausedSeconds };
  const { times } = summary;
  return {
    earlierSeconds: earlierSeconds + times.elapsedSeconds,
    pausedSeconds: pausedSeconds + times.pausedSeconds,
  };
}

/**
 * Reads a manifest; null where there is none. Throws a `JournalError` where the file is not a manifest, or is of a
 * newer version.
 */
export async function readManifest(path: string): Promise<Manifest | null> {
  const value = await readJson(path);
  if (value === null) return null;
  const version = isRecord(value) ? value['schema_version'] : undefined;
  if (typeof version === 'number' && version > schemaVersion) {
    throw new JournalError(
      `${path} was written by a newer llmbatch (its schema_version is ${version}, and this one reads up to ${schemaVersion}): update llmbatch to continue this run`,
      'What is answered can be read without it: llmbatch report, llmbatch merge.',
    );
  }
  if (version !== 1 && version !== schemaVersion) throw notAManifest(path, 'its schema_version is unknown');
  const parsed = manifestSchema.safeParse(fromWire(value));
  if (!parsed.success) throw notAManifest(path, 'its fields are not those of one', parsed.error);
  return parsed.data;
}

/** Reads a file as JSON; null where there is none. */
async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    // Reading a pipe would never end.
    if (!(await stat(path)).isFile()) throw notAManifest(path, 'it is not a regular file');
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    if (error instanceof JournalError) throw error;
    throw new JournalError(`can't read the manifest ${path}: ${systemReason(error)}`);
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw notAManifest(path, messageOf(error), error);
  }
}

/**
 * The error for a file that may be a user's own, or a damaged manifest: it is not replaced, and the results can be
 * taken up without it.
 */
const notAManifest = (path: string, reason: string, cause?: unknown): JournalError =>
  new JournalError(
    `${path} has the name of the run's manifest, but is not a manifest: ${reason}`,
    'Choose another path with -o. Or move that file away: then `llmbatch run` with the same input, model and -o continues with the existing results.',
    cause,
  );

/**
 * Replaces the manifest. It is sealed with the key as this user's own; without a key it counts as not this user's.
 * Throws a `JournalError`.
 */
export async function writeManifest(path: string, manifest: Manifest, sealKey: Buffer | null = null): Promise<void> {
  const current: Manifest = { ...manifest, updatedAt: new Date().toISOString(), seal: null };
  const plain = toWire(current);
  const sealed = sealKey === null ? plain : { ...plain, seal: sealOf(textOf(plain), sealKey) };
  await replaceFile(path, await stat(path).catch(() => null), (draft) => draft.writeFile(`${textOf(sealed)}\n`));
}

/** Whether a manifest, or another file with a seal, is as a run of this user left it. Otherwise another user may have written what it says. */
export async function isOwnManifest(path: string, sealKey: Buffer | null): Promise<boolean> {
  const value = await readJson(path).catch(() => null);
  if (sealKey === null || !isRecord(value)) return false;
  return isSealOf(value['seal'], textOf({ ...value, seal: null }), sealKey);
}

const textOf = (manifest: object): string => JSON.stringify(manifest, null, 2);
