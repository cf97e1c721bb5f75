import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { endpointOfUrl } from '../../input/shapes/batch-url.ts';
import { shorten } from '../../text/format.ts';
import { ApiError } from '../http/api-error.ts';
import type { BatchRecord } from '../store/batch-record.ts';
import { newBatchId } from '../store/store.ts';

/** What a client asks for with `POST /v1/batches`. */
export type NewBatch = Pick<
  BatchRecord,
  'inputFileId' | 'endpoint' | 'completionWindow' | 'metadata' | 'priority' | 'outputExpiresAfter'
>;

const hour = 3600;

/** The limits are OpenAI's. */
const bodySchema = z.strictObject({
  input_file_id: z.string(),
  endpoint: z.string(),
  completion_window: z.string().regex(/^[1-9]\d{0,3}h$/, 'write whole hours, such as "24h"'),
  metadata: z
    .record(z.string().max(64, 'a key has at most 64 characters'), z.string().max(512))
    .refine((pairs) => Object.keys(pairs).length <= 16, 'it has at most 16 pairs')
    .nullish(),
  output_expires_after: z
    .strictObject({
      anchor: z.literal('created_at'),
      seconds: z
        .int()
        .min(hour)
        .max(30 * 24 * hour),
    })
    .nullish(),
});

/** Reads the body of a `POST /v1/batches`. Throws an `ApiError` that names the first parameter that is wrong. */
export function readNewBatch(body: unknown): NewBatch {
  const parsed = bodySchema.safeParse(body, { reportInput: true });
  if (!parsed.success) throw refusalOf(parsed.error);
  const { input_file_id, endpoint, completion_window, metadata, output_expires_after } = parsed.data;
  return {
    inputFileId: input_file_id,
    endpoint: endpointIn(endpoint),
    completionWindow: completion_window,
    metadata: metadata ?? null,
    priority: priorityIn(metadata?.['priority']),
    outputExpiresAfter: output_expires_after?.seconds ?? null,
  };
}

function refusalOf({ issues: [issue] }: z.ZodError): ApiError {
  const path = issue?.path ?? [];
  if (issue?.code === 'unrecognized_keys')
    return refusal('Unknown parameter', [...path, issue.keys[0]], { code: 'unknown_parameter' });
  if (path.length === 0) return new ApiError(400, 'the body of the request is not a JSON object');
  if (issue?.code === 'invalid_type' && issue.input === undefined)
    return refusal('Missing required parameter', path, { code: 'missing_required_parameter' });
  return refusal('Invalid parameter', path, { code: 'invalid_value', reason: issue?.message });
}

function refusal(
  what: string,
  path: readonly unknown[],
  { code, reason }: { code: string; reason?: string | undefined },
): ApiError {
  const param = path.join('.');
  return new ApiError(400, `${what}: ${shorten(param)}${reason === undefined ? '' : `: ${reason}`}`, { code, param });
}

function endpointIn(text: string): string {
  const endpoint = endpointOfUrl(text);
  if (typeof endpoint === 'string') return endpoint;
  throw refusal('Invalid parameter', ['endpoint'], { code: 'invalid_value', reason: endpoint.reason });
}

function priorityIn(text = '0'): number {
  if (/^[+-]?\d{1,9}$/.test(text)) return Number(text);
  const reason = `${shorten(text)} is not an integer, such as "5"`;
  throw refusal('Invalid parameter', ['metadata', 'priority'], { code: 'invalid_value', reason });
}

/** Whether a batch is what is asked for: the same file with the same settings. */
export function isSameBatch(asked: NewBatch, record: BatchRecord): boolean {
  const { inputFileId, endpoint, completionWindow, metadata, priority, outputExpiresAfter } = record;
  return isDeepStrictEqual(asked, {
    inputFileId,
    endpoint,
    completionWindow,
    metadata,
    priority,
    outputExpiresAfter,
  } satisfies NewBatch);
}

/** The record of a batch that is yet to be validated. `createdAt`: seconds since 1970. */
export function newRecord(asked: NewBatch, createdAt: number, idempotencyKey: string | null): BatchRecord {
  const windowSeconds = Number.parseInt(asked.completionWindow, 10) * hour;
  return {
    ...asked,
    id: newBatchId(),
    createdAt,
    expiresAt: createdAt + windowSeconds,
    idempotencyKey,
    status: 'validating',
    times: {
      inProgressAt: null,
      finalizingAt: null,
      completedAt: null,
      failedAt: null,
      expiredAt: null,
      cancellingAt: null,
      cancelledAt: null,
    },
    models: [],
    errors: [],
    counts: { total: 0, completed: 0, failed: 0 },
    usage: null,
    outputFileId: null,
    errorFileId: null,
    paused: null,
  };
}
