import { z } from 'zod';
import { isRecord } from '../../data/is-record.ts';
import { camelKeys, snakeKeys } from '../../text/snake-keys.ts';
import type { BatchRecord } from './batch-record.ts';

/** The version of the format that is written: `schema_version` of `batch.json`. */
const schemaVersion = 1;

const time = z.number().int().nullable();
const tokens = z.number().int().nullable();

const batchSchema: z.ZodType<BatchRecord> = z.object({
  id: z.string(),
  inputFileId: z.string(),
  endpoint: z.string(),
  completionWindow: z.string(),
  createdAt: z.number().int(),
  expiresAt: z.number().int(),
  metadata: z.record(z.string(), z.string()).nullable(),
  priority: z.number().int(),
  outputExpiresAfter: z.number().int().nullable(),
  idempotencyKey: z.string().nullable(),
  status: z.enum([
    'validating',
    'failed',
    'in_progress',
    'finalizing',
    'completed',
    'expired',
    'cancelling',
    'cancelled',
  ]),
  times: z.object({
    inProgressAt: time,
    finalizingAt: time,
    completedAt: time,
    failedAt: time,
    expiredAt: time,
    cancellingAt: time,
    cancelledAt: time,
  }),
  models: z.array(z.string()),
  errors: z.array(
    z.object({
      code: z.string(),
      message: z.string(),
      param: z.string().nullable(),
      line: z.number().int().nullable(),
    }),
  ),
  counts: z.object({ total: z.number().int(), completed: z.number().int(), failed: z.number().int() }),
  usage: z
    .object({ inputTokens: tokens, cachedTokens: tokens, outputTokens: tokens, reasoningTokens: tokens })
    .nullable(),
  outputFileId: z.string().nullable(),
  errorFileId: z.string().nullable(),
  paused: z.object({ by: z.string(), since: z.string() }).nullable(),
});

/** The keys of `metadata` are the client's own. */
const opaque: ReadonlySet<string> = new Set(['metadata']);

/** The text of a `batch.json`. */
export const batchToText = (record: BatchRecord): string =>
  `${JSON.stringify({ schema_version: schemaVersion, ...(snakeKeys(record, opaque) as object) }, null, 2)}\n`;

/** Reads a `batch.json`. Throws an error that says in a sentence why it can't. */
export function batchFromText(text: string): BatchRecord {
  const file: unknown = JSON.parse(text);
  const version = isRecord(file) ? file['schema_version'] : undefined;
  if (version !== schemaVersion)
    throw new Error(`its schema_version is ${String(version)}, and this llmbatch knows ${schemaVersion}`);
  const parsed = batchSchema.safeParse(camelKeys(file, opaque));
  if (parsed.success) return parsed.data;
  const [problem] = parsed.error.issues;
  throw new Error(`its field ${problem?.path.join('.')} is not as it should be`);
}
