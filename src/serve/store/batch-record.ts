import type { Pause } from './pause-file.ts';

/** OpenAI's states of a batch; `validating`, `in_progress`, `finalizing` and `cancelling` are those that go on. */
export type BatchStatus =
  | 'validating'
  | 'failed'
  | 'in_progress'
  | 'finalizing'
  | 'completed'
  | 'expired'
  | 'cancelling'
  | 'cancelled';

/** When a batch came into each state, in whole seconds since 1970; null where it did not. */
export interface BatchTimes {
  inProgressAt: number | null;
  finalizingAt: number | null;
  completedAt: number | null;
  failedAt: number | null;
  expiredAt: number | null;
  cancellingAt: number | null;
  cancelledAt: number | null;
}

/** Why a batch failed before anything of it was sent; `line` counts from 1. */
export interface BatchError {
  code: string;
  message: string;
  param: string | null;
  line: number | null;
}

/** Tokens of the answers, in OpenAI's words. Null in a part that no engine counted. */
export interface BatchUsage {
  inputTokens: number | null;
  cachedTokens: number | null;
  outputTokens: number | null;
  reasoningTokens: number | null;
}

/** All that is kept of a batch beside its run: `batches/<id>/batch.json`, replaced as a whole. */
export interface BatchRecord {
  /** `batch_` and 24 characters of the server's own making. */
  id: string;
  inputFileId: string;
  /** One of the paths that a batch may be for, such as `/v1/chat/completions`. */
  endpoint: string;
  /** As the client wrote it, `24h`. */
  completionWindow: string;
  createdAt: number;
  expiresAt: number;
  metadata: Record<string, string> | null;
  /** `metadata.priority` as a number, else 0: higher first. */
  priority: number;
  /** Seconds that its output and error file are kept; null: until somebody deletes them. */
  outputExpiresAfter: number | null;
  idempotencyKey: string | null;
  status: BatchStatus;
  times: BatchTimes;
  /** The models that its lines name, or that `-m` puts in their place, in the order of the lines; empty before it is validated. */
  models: string[];
  errors: BatchError[];
  counts: { total: number; completed: number; failed: number };
  usage: BatchUsage | null;
  /** Chosen before they are written, so that a crash leaves no file that nobody knows of: shown only once the batch is over. */
  outputFileId: string | null;
  errorFileId: string | null;
  /** Who paused this batch and when (ISO 8601); null where it goes on. */
  paused: Pause | null;
}

/** Whether nothing more will become of a batch. */
export const isOver = ({ status }: Pick<BatchRecord, 'status'>): boolean =>
  status === 'completed' || status === 'failed' || status === 'expired' || status === 'cancelled';
