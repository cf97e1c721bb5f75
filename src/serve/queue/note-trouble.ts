import {
  EngineError,
  JournalError,
  LlmbatchError,
  NoEngineError,
  UsageError,
  describeUnexpected,
  isTransient,
  stopsTheRun,
} from '../../core/errors.ts';
import { oneLine } from '../../text/one-line.ts';
import type { BatchError } from '../store/batch-record.ts';
import { into } from './into.ts';
import type { BatchWork, QueueContext, QueuedBatch } from './queue-context.ts';
import { tellBatch } from './tell-batch.ts';

/** An engine that is away is asked again after this time, and then after twice as long, up to five minutes; milliseconds. */
const [firstRetryMs, maxRetryMs] = [30_000, 300_000];
/** A disk that was full is tried again each minute. */
const diskRetryMs = 60_000;

/** Notes why a work failed: the batch fails where that is its own fault, else it is tried again. Never rejects. */
export async function noteTrouble(
  context: QueueContext,
  batch: QueuedBatch,
  { kind }: BatchWork,
  error: unknown,
): Promise<void> {
  // The engine may be broken, and another one is opened the next time.
  if (error instanceof EngineError) await context.loads.cache.close(true).catch(() => undefined);
  if (isOfLines(error)) {
    batch.toleratesFailures = true;
    return;
  }
  batch.retriesFailed ||= isOfEngine(error);
  const fault = kind === 'run' ? ownFault(context, batch.id, error) : null;
  if (fault === null || !(await fail(context, batch.id, fault))) tryLater(context, batch, { kind, error });
}

function tryLater(
  context: QueueContext,
  batch: QueuedBatch,
  { kind, error }: Pick<BatchWork, 'kind'> & { error: unknown },
): void {
  const tries = (batch.problem?.tries ?? 0) + 1;
  const text = sentenceOf(context, error);
  if (batch.problem?.text !== text) tellBatch(context, batch.id, `waits, and is tried again later: ${text}`);
  batch.problem = { text, of: kind, retryAtMs: context.now() + delayMs(error, tries), tries };
}

const delayMs = (error: unknown, tries: number): number =>
  isOfEngine(error) ? Math.min(firstRetryMs * 2 ** (tries - 1), maxRetryMs) : diskRetryMs;

/** The engine failed, or none was there that serves the models. */
const isOfEngine = (error: unknown): boolean => error instanceof EngineError || isAway(error);

const isAway = (error: unknown): boolean => error instanceof NoEngineError && error.isAway;

/** So many lines failed that a run stops, and none for a reason of the engine's: they are as the client wrote them. */
const isOfLines = (error: unknown): boolean =>
  error instanceof EngineError && !isTransient(error.kind) && !stopsTheRun(error.kind);

/**
 * A mistake in the batch itself. Null where it may go on when the engine or the disk is as it should be, and where something of
 * it is answered: that is handed out, whatever becomes of the rest.
 */
function ownFault(context: QueueContext, id: string, error: unknown): BatchError | null {
  const { store, snapshots } = context;
  const answered = snapshots.get(id)?.().progress.succeeded ?? store.batches.find(id)?.counts.completed ?? 0;
  if (answered > 0 || isAway(error)) return null;
  const rest = { message: sentenceOf(context, error), param: null, line: null };
  if (isOfModel(error)) return { code: 'model_not_found', ...rest };
  return error instanceof UsageError ? { code: 'invalid_request', ...rest } : null;
}

const isOfModel = (error: unknown): boolean =>
  error instanceof NoEngineError || (error instanceof EngineError && error.kind === 'model-not-found');

/** False where that can't be written now. */
async function fail(context: QueueContext, id: string, error: BatchError): Promise<boolean> {
  try {
    await context.store.batches.update(id, (now) =>
      now.status === 'in_progress' ? { errors: [error], ...into(context, now, 'failed') } : {},
    );
  } catch {
    return false;
  }
  tellBatch(context, id, `failed: ${error.message}`);
  return true;
}

/** What went wrong, as clients may read it: where the folder of the server lies is nothing to them. */
const sentenceOf = ({ store }: QueueContext, error: unknown): string =>
  oneLine(textOf(error).replaceAll(`${store.folder}/`, ''));

function textOf(error: unknown): string {
  if (!(error instanceof LlmbatchError)) return describeUnexpected(error);
  const { message, hint } = error;
  // What to do about a file is said to somebody who gives the command again; a server goes on by itself.
  return hint === undefined || error instanceof JournalError ? message : `${message}. ${hint}`;
}
