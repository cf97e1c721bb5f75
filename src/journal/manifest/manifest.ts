import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { JournalError, codeOf, messageOf } from '../../core/errors.ts';
import { isSecretOption } from '../../text/secret-name.ts';
import { answerSettingsSchema, runnerSettingsSchema } from '../../core/settings.ts';
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
 * Everything about a run but its results: `<output>.run.json`. Replaced as a whole every few seconds, so that
 * `status` and `resume` work from files alone. It never holds a key or a secret.
 */
const storedSchema = z.object({
  /** Version of the program that wrote it. */
  llmbatch: z.string(),
  runId: z.string(),
  state: z.enum(['running', 'stopped', 'finished']),
  /** Why a run stopped, in a sentence. */
  reason: z.string().nullable(),
  /** The folder that the run was started in: `resume` without an argument looks for its runs. */
  cwd: z.string(),
  output: z.string(),
  input: z.object({
    /** Absolute; '-' for standard input. */
    path: z.string(),
    /** Where the lines are read from on resume: the input itself, or the file that standard input was kept in. */
    spool: z.string().nullable(),
    bytes: z.number(),
    sha256: z.string(),
    /** False while the input has not been read to its end. */
    complete: z.boolean(),
    requests: z.number(),
    rejected: z.number(),
  }),
  settings: answerSettingsSchema,
  runner: runnerSettingsSchema,
  /** The part of the input that this run answers, `index` from 1; null: all of it. */
  shard: z.object({ index: z.number(), count: z.number() }).nullable().default(null),
  /** The form of the engine that the run has chosen, such as `embedded`; null where the backend has one form only. */
  engineForm: z.string().nullable().default(null),
  /** Models answered so far, with what identifies their weights. */
  models: z.array(modelSchema),
  /** The mode that was chosen, and why. */
  mode: z.object({ name: z.string(), reason: z.string() }).nullable(),
  /** Names, beside the output, of what it took the place of: removed when the run has ended well. */
  keptAside: z.array(z.string()).default([]),
  /** Names of options that llmbatch 0.1 kept and that hold a secret: their values are neither used nor written again. */
  leftOut: z.array(z.string()).default([]),
  /** What makes it known as written by a run of this user's; null where there is no key. */
  seal: z.string().nullable().default(null),
  /** Differences that `--allow-drift` let pass, each a sentence. */
  drift: z.array(z.string()),
  sessions: z.number(),
  createdAt: z.string(),
  updatedAt: z.string(),
  finishedAt: z.string().nullable(),
  /** Seconds that the sessions before this one ran. */
  earlierSeconds: z.number(),
  /** The state of the metrics; null before the first request. */
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

/** Null where there is none. Throws a `JournalError` where the file is no manifest, or that of a newer version. */
export async function readManifest(path: string): Promise<Manifest | null> {
  const value = await readJson(path);
  if (value === null) return null;
  const version = isRecord(value) ? value['schema_version'] : undefined;
  if (typeof version === 'number' && version > schemaVersion) {
    throw new JournalError(
      `${path} was written by a newer llmbatch (its schema_version is ${version}, and this one knows ${schemaVersion}): update llmbatch to go on with this run`,
      'What is answered can be read without it: llmbatch report, llmbatch merge.',
    );
  }
  if (version !== 1 && version !== schemaVersion) throw notAManifest(path, 'its schema_version is none that there was');
  const parsed = manifestSchema.safeParse(fromWire(value));
  if (!parsed.success) throw notAManifest(path, 'its fields are not those of one', parsed.error);
  return parsed.data;
}

/** Null where there is no file. */
async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    // A pipe would be waited for, for ever.
    if (!(await stat(path)).isFile()) throw notAManifest(path, 'it is no regular file');
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    if (error instanceof JournalError) throw error;
    throw new JournalError(`can't read the manifest ${path}: ${messageOf(error)}`);
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw notAManifest(path, messageOf(error), error);
  }
}

/** Somebody's file, or one of ours that was damaged: nothing of it is replaced, and the results can be taken up without it. */
const notAManifest = (path: string, reason: string, cause?: unknown): JournalError =>
  new JournalError(
    `${path} lies where the manifest of the run belongs, and is none: ${reason}`,
    'Choose another place with -o; or move that file away: `llmbatch run` with the same input, model and -o takes up the results that are there.',
    cause,
  );

/** `sealKey` marks it as this user's own; null: it is nobody's. */
export async function writeManifest(path: string, manifest: Manifest, sealKey: Buffer | null = null): Promise<void> {
  const current: Manifest = { ...manifest, updatedAt: new Date().toISOString(), seal: null };
  const plain = toWire(current);
  const sealed = sealKey === null ? plain : { ...plain, seal: sealOf(textOf(plain), sealKey) };
  await replaceFile(path, await stat(path).catch(() => null), (draft) => draft.writeFile(`${textOf(sealed)}\n`));
}

/** Is it as a run of this user's left it? Whatever else is in it may be somebody else's. */
export async function isOwnManifest(path: string, sealKey: Buffer | null): Promise<boolean> {
  const value = await readJson(path).catch(() => null);
  if (sealKey === null || !isRecord(value)) return false;
  return isSealOf(value['seal'], textOf({ ...value, seal: null }), sealKey);
}

const textOf = (manifest: object): string => JSON.stringify(manifest, null, 2);
