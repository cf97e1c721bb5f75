import type { Snapshot } from '../../core/snapshot.ts';
import { formatCounted, formatInteger } from '../../text/format.ts';
import type { BatchRecord } from '../store/batch-record.ts';
import { into } from './into.ts';
import { noteTrouble } from './note-trouble.ts';
import type { BatchWork, QueueContext, QueuedBatch } from './queue-context.ts';
import { startBatchRun } from './start-batch-run.ts';
import { notifyOf, tellBatch } from './tell-batch.ts';

/** Time between two savings of the counts of a running batch, in milliseconds. */
const saveCountsMs = 5000;

/** Does one work of a batch to its end, or until it is stopped. Never rejects: what goes wrong is noted at the batch. */
export async function doWork(context: QueueContext, batch: QueuedBatch, work: BatchWork): Promise<void> {
  const record = context.store.batches.find(batch.id);
  if (record === null) return;
  try {
    if (work.kind === 'validate') await validate(context, record, work);
    else if (work.kind === 'run') await run(context, record, { batch, work });
    else await finish(context, record);
    batch.problem = null;
    batch.retriesFailed = false;
  } catch (error) {
    // Stopped work that can't be stopped without an error is as good as stopped.
    if (work.kind !== 'run' && (work.stop.signal.aborted || context.abort.signal.aborted)) return;
    await noteTrouble(context, batch, work, error);
  }
}

async function validate(context: QueueContext, record: BatchRecord, { stop }: BatchWork): Promise<void> {
  const { id } = record;
  const looked = await context.steps.validate(record, stop.signal);
  const isBad = looked.errors.length > 0;
  const { status } = await context.store.batches.update(id, (now) =>
    now.status !== 'validating' ? {} : { ...looked, ...into(context, now, isBad ? 'failed' : 'in_progress') },
  );
  if (status === 'failed') tellBatch(context, id, `failed: ${looked.errors[0]?.message ?? ''}`);
}

async function run(
  context: QueueContext,
  record: BatchRecord,
  { batch, work }: { batch: QueuedBatch; work: BatchWork },
): Promise<void> {
  const { id, counts } = record;
  const { store, loads, abort, snapshots, onEvent } = context;
  const save = (snapshot: Snapshot): Promise<BatchRecord> =>
    store.batches.update(id, ({ counts: known }) => ({ counts: countsOf(snapshot, known) }));
  const done = counts.completed + counts.failed;
  const left = done === 0 ? '' : `, ${formatInteger(counts.total - done)} left`;
  tellBatch(context, id, `starts (${formatCounted(counts.total, 'request')}${left})`);
  const timer = setInterval(() => {
    const snapshot = snapshots.get(id);
    if (snapshot !== undefined)
      save(snapshot()).then(
        () => context.tell(id),
        () => undefined,
      );
  }, saveCountsMs).unref();
  try {
    const { isFinished, snapshot } = await startBatchRun(record, {
      ...context,
      cache: loads.cache,
      toleratesFailures: batch.toleratesFailures,
      retriesFailed: batch.retriesFailed,
      stop: work.stop.signal,
      abort: abort.signal,
      notify: notifyOf(context, id),
      onStart: (read) => keepSnapshot(context, id, read),
      onControl(control) {
        work.control = control;
        const paused = store.pause.get();
        if (paused !== null) control.pause(paused.by);
      },
      onEvent(event) {
        // The engine answers: what kept it away is over.
        if (event.type === 'result-end' && event.sample.kind === null) batch.problem = null;
        onEvent(event);
      },
    });
    await store.batches.update(id, (now) => ({
      counts: countsOf(snapshot, now.counts),
      ...(isFinished && now.status === 'in_progress' ? into(context, now, 'finalizing') : {}),
    }));
  } finally {
    clearInterval(timer);
    // The numbers stay as they are at the end, also where the run failed.
    const last = snapshots.get(id)?.();
    if (last !== undefined) keepSnapshot(context, id, () => last);
  }
}

/** Writes what is done of a batch as files for its client, and says how it ended. */
async function finish(context: QueueContext, { id }: BatchRecord): Promise<void> {
  const { batches } = context.store;
  const record = await batches.update(id, (now) =>
    now.status === 'cancelling' || now.status === 'finalizing' ? {} : into(context, now, 'finalizing'),
  );
  const written = await context.steps.writeFiles(record, context.abort.signal);
  const over = await batches.update(id, (now) => {
    const { total, completed, failed } = { ...now, ...written }.counts;
    const isWhole = completed + failed >= total && now.models.length > 0;
    return { ...written, ...into(context, now, endOf(now, isWhole)) };
  });
  const { completed, failed, total } = over.counts;
  const numbers = `${formatInteger(completed)} of ${formatCounted(total, 'request')} succeeded, ${formatInteger(failed)} failed`;
  tellBatch(context, id, `${over.status}: ${numbers}`);
}

const endOf = ({ status }: BatchRecord, isWhole: boolean): 'cancelled' | 'completed' | 'expired' => {
  if (status === 'cancelling') return 'cancelled';
  return isWhole ? 'completed' : 'expired';
};

/** The total is known since the batch was validated; a run counts it only when it has read its input. */
const countsOf = ({ progress }: Snapshot, { total }: BatchRecord['counts']): BatchRecord['counts'] => ({
  total: progress.total ?? total,
  completed: progress.succeeded,
  failed: progress.failed,
});

/** Batches whose last numbers are kept, so that a server that runs for months does not keep all. */
const maxSnapshots = 100;

function keepSnapshot({ snapshots }: QueueContext, id: string, read: () => Snapshot): void {
  snapshots.delete(id);
  snapshots.set(id, read);
  const [oldest] = snapshots.keys();
  if (snapshots.size > maxSnapshots && oldest !== undefined) snapshots.delete(oldest);
}
