import type { BatchRecord } from '../../src/serve/store/batch-record.ts';

let made = 0;

/** A batch as the store has it, with an id of its own. */
export const batchRecord = (changes: Partial<BatchRecord> = {}): BatchRecord => ({
  id: `batch_${String(made++).padStart(24, '0')}`,
  inputFileId: 'file-000000000000000000000000',
  endpoint: '/v1/chat/completions',
  completionWindow: '24h',
  createdAt: 1_790_000_000,
  expiresAt: 1_790_086_400,
  metadata: null,
  priority: 0,
  outputExpiresAfter: null,
  idempotencyKey: null,
  status: 'in_progress',
  times: {
    inProgressAt: null,
    finalizingAt: null,
    completedAt: null,
    failedAt: null,
    expiredAt: null,
    cancellingAt: null,
    cancelledAt: null,
  },
  models: ['mock'],
  errors: [],
  counts: { total: 10, completed: 0, failed: 0 },
  usage: null,
  outputFileId: null,
  errorFileId: null,
  paused: null,
  ...changes,
});
