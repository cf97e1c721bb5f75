import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { JournalError, codeOf, messageOf } from '../core/errors.ts';
import { answerSettingsSchema, runnerSettingsSchema } from '../core/settings-schema.ts';
import { type Snapshot, completeSnapshot } from '../core/snapshot.ts';
import { replaceFile } from './draft.ts';

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
const manifestSchema = z.object({
  schema_version: z.literal(1),
  llmbatch: z.string(),
  run_id: z.string(),
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
  /** Models answered so far, with what identifies their weights. */
  models: z.array(modelSchema),
  /** The mode that was chosen, and why. */
  mode: z.object({ name: z.string(), reason: z.string() }).nullable(),
  /** Names, beside the output, of what it took the place of: removed when the run has ended well. */
  kept_aside: z.array(z.string()).default([]),
  /** Differences that `--allow-drift` let pass, each a sentence. */
  drift: z.array(z.string()),
  sessions: z.number(),
  created_at: z.string(),
  updated_at: z.string(),
  finished_at: z.string().nullable(),
  /** Seconds that the sessions before this one ran. */
  earlier_seconds: z.number(),
  /** The state of the metrics, in the shape of `Snapshot`; null before the first request. */
  summary: z
    .custom<Snapshot>((value) => typeof value === 'object' && value !== null)
    .transform(completeSnapshot)
    .nullable(),
});

export type Manifest = z.infer<typeof manifestSchema>;

export async function readManifest(path: string): Promise<Manifest | null> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw new JournalError(`can't read the manifest ${path}: ${messageOf(error)}`);
  }
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new JournalError(
      `${path} is not a manifest of this version of llmbatch`,
      'Start anew with --overwrite, or with another -o.',
      error,
    );
  }
}

export async function writeManifest(path: string, manifest: Manifest): Promise<void> {
  const text = `${JSON.stringify({ ...manifest, updated_at: new Date().toISOString() }, null, 2)}\n`;
  await replaceFile(path, await stat(path).catch(() => null), (draft) => draft.writeFile(text));
}
