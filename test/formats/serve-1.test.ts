import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { batchFromText, batchToText } from '../../src/serve/store/batch-file.ts';
import type { BatchRecord } from '../../src/serve/store/batch-record.ts';

const record: BatchRecord = {
  id: 'batch_01a22d9be322cbdb3117a028',
  inputFileId: 'file-01a22d9be31fcbdb3117a027',
  endpoint: '/v1/chat/completions',
  completionWindow: '24h',
  createdAt: 1_700_000_000,
  expiresAt: 1_700_086_400,
  metadata: { priority: '5', teamName: 'blue' },
  priority: 5,
  outputExpiresAfter: 3600,
  idempotencyKey: 'key',
  status: 'in_progress',
  times: {
    inProgressAt: 1_700_000_001,
    finalizingAt: null,
    completedAt: null,
    failedAt: null,
    expiredAt: null,
    cancellingAt: null,
    cancelledAt: null,
  },
  models: ['gemma'],
  errors: [{ code: 'invalid_json_line', message: 'It is no JSON.', param: null, line: 2 }],
  counts: { total: 3, completed: 1, failed: 1 },
  usage: { inputTokens: 12, cachedTokens: null, outputTokens: 4, reasoningTokens: null },
  outputFileId: null,
  errorFileId: null,
  paused: { by: 'the API', since: '2026-11-30T12:00:00.000Z' },
};

const pinned = readFileSync(fileURLToPath(new URL('batch-1.txt', import.meta.url)), 'utf8');

describe('batch.json of version 1', () => {
  test('is written as it was', () => {
    expect(batchToText(record)).toBe(pinned);
  });

  test('can be read', () => {
    expect(batchFromText(pinned)).toEqual(record);
  });
});
