import { systemReason } from '../../core/errors.ts';
import type { Notify } from '../../core/events.ts';
import { type BatchRecord, isOver } from './batch-record.ts';
import type { Store } from './store.ts';

const minuteMs = 60_000;
/** Days that a batch whose files are all gone can still be asked for: as long as OpenAI keeps files of batches. */
const keptSeconds = 30 * 24 * 3600;

/**
 * Clears the store from time to time: at once, and then each minute. Returns what ends it. What can't be removed is told, and tried
 * again.
 */
export function keepClean(store: Store, notify: Notify): () => void {
  const state = { isBusy: false };
  const clean = async (): Promise<void> => {
    if (state.isBusy) return;
    state.isBusy = true;
    await cleanUp(store, Date.now() / 1000).catch((error: unknown) => {
      notify({ topic: 'serve', text: `can't remove what has expired: ${systemReason(error)}` });
    });
    state.isBusy = false;
  };
  void clean();
  const timer = setInterval(() => void clean(), minuteMs);
  timer.unref();
  return () => clearInterval(timer);
}

/**
 * Removes the files that have expired, and the batches that have been over for 30 days and whose files are all gone. `now`: seconds
 * since 1970. A batch that is not over is never touched.
 */
export async function cleanUp({ files, batches }: Pick<Store, 'files' | 'batches'>, now: number): Promise<void> {
  for (const { id, expiresAt } of files.list()) if (expiresAt !== null && expiresAt <= now) await files.remove(id);
  const isGone = (id: string | null): boolean => id === null || files.find(id) === null;
  for (const batch of batches.list()) {
    const { inputFileId, outputFileId, errorFileId } = batch;
    const end = endedAt(batch);
    const isOld = end !== null && end + keptSeconds <= now;
    if (isOld && [inputFileId, outputFileId, errorFileId].every(isGone)) await batches.remove(batch.id);
  }
}

/** When the batch was over; null while it is not. */
function endedAt(batch: BatchRecord): number | null {
  const { completedAt, failedAt, expiredAt, cancelledAt } = batch.times;
  return isOver(batch) ? (completedAt ?? failedAt ?? expiredAt ?? cancelledAt) : null;
}
