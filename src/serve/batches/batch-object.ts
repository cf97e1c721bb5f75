import { type Snapshot, snapshotToWire } from '../../core/snapshot.ts';
import type { BatchQueue } from '../queue/batch-queue.ts';
import { type BatchRecord, isOver } from '../store/batch-record.ts';

/** What is known of batches while they are run. */
export type LiveBatches = Pick<BatchQueue, 'state' | 'snapshotOf' | 'problemOf'>;

/** The one key that is not OpenAI's is `llmbatch`. */
export interface BatchObject extends Record<string, unknown> {
  llmbatch: object;
}

/**
 * A batch as OpenAI's API has it, key by key, and under `llmbatch` what it has no place for. The ids of its files are shown once
 * the files are whole. What was not counted is null.
 */
export function batchObject(record: BatchRecord, live: LiveBatches): BatchObject {
  const { id, metadata, times } = record;
  const snapshot = isOver(record) ? null : live.snapshotOf(id);
  return {
    id,
    object: 'batch',
    endpoint: record.endpoint,
    // OpenAI's batches have one model each.
    model: record.models.length === 1 ? record.models[0] : null,
    errors: errorsOf(record),
    input_file_id: record.inputFileId,
    completion_window: record.completionWindow,
    status: record.status,
    output_file_id: isOver(record) ? record.outputFileId : null,
    error_file_id: isOver(record) ? record.errorFileId : null,
    created_at: record.createdAt,
    in_progress_at: times.inProgressAt,
    expires_at: record.expiresAt,
    finalizing_at: times.finalizingAt,
    completed_at: times.completedAt,
    failed_at: times.failedAt,
    expired_at: times.expiredAt,
    cancelling_at: times.cancellingAt,
    cancelled_at: times.cancelledAt,
    request_counts: countsOf(record, snapshot),
    usage: usageOf(record),
    metadata,
    llmbatch: { ...stateOf(record, live), progress: snapshot === null ? null : snapshotToWire(snapshot) },
  };
}

const errorsOf = ({ errors }: BatchRecord): object | null =>
  errors.length === 0 ? null : { object: 'list', data: errors };

function countsOf({ counts }: BatchRecord, snapshot: Snapshot | null): BatchRecord['counts'] {
  if (snapshot === null) return counts;
  const { succeeded, failed } = snapshot.progress;
  return { total: counts.total, completed: succeeded, failed };
}

function usageOf({ usage }: BatchRecord): object | null {
  if (usage === null) return null;
  const { inputTokens, cachedTokens, outputTokens, reasoningTokens } = usage;
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: cachedTokens },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens },
    total_tokens: inputTokens === null || outputTokens === null ? null : inputTokens + outputTokens,
  };
}

/** Whether the batch waits, and for what. */
function stateOf(record: BatchRecord, live: LiveBatches): object {
  const { id, priority } = record;
  if (isOver(record)) return { state: 'over', priority, position: null, paused: null, problem: null };
  const { running, waiting, paused: allPaused } = live.state();
  const paused = record.paused ?? allPaused;
  const place = waiting.indexOf(id);
  return {
    state: stateName(running === id, paused !== null),
    priority,
    position: place === -1 ? null : place + 1,
    paused,
    problem: live.problemOf(id),
  };
}

/** A batch that is paused while it runs keeps its model, but nothing is sent. */
function stateName(isRunning: boolean, isPaused: boolean): 'running' | 'paused' | 'waiting' {
  if (isPaused) return 'paused';
  return isRunning ? 'running' : 'waiting';
}
