import { type BatchRecord, isOver } from '../store/batch-record.ts';
import { doWork } from './do-work.ts';
import { type BatchTurn, type TurnContext, findReplacement, nextDueMs, orderTurns, passedBy } from './order-turns.ts';
import type { BatchWork, QueueContext, QueuedBatch } from './queue-context.ts';
import { tellBatch } from './tell-batch.ts';

/** Inputs that are validated at the same time: a small one need not wait for a large one. */
const maxValidations = 4;
/** A timer can't wait for much longer than three weeks; so long is no load. */
const maxTimerMs = 3_600_000;

/** Does with all batches what is to be done with them now, and comes back when time alone changes something. */
export function advanceBatches(context: QueueContext): void {
  if (context.isClosing) return;
  const nowMs = context.now();
  for (const batch of context.queued.values()) advanceBatch(context, batch, nowMs);
  if (context.store.pause.get() === null) settleTurns(context, nowMs);
  setTimer(context, nowMs);
}

function advanceBatch(context: QueueContext, batch: QueuedBatch, nowMs: number): void {
  const record = context.store.batches.find(batch.id);
  if (batch.work !== null) {
    if (record !== null && isLate(record, nowMs) && batch.work.kind !== 'finish') batch.work.stop.abort();
  } else if (record === null || isOver(record)) context.queued.delete(batch.id);
  else {
    const next = nextWork(record, nowMs);
    if (next !== null && mayTry(batch, next, nowMs) && hasRoom(context, next)) begin(context, batch, next);
  }
}

/** What is to be done with a batch as it is; null: it waits for its turn. */
function nextWork(record: BatchRecord, nowMs: number): 'validate' | 'finish' | null {
  if (!isUnderWay(record) || isLate(record, nowMs)) return 'finish';
  return record.status === 'validating' ? 'validate' : null;
}

/** Validated or run, or waiting for that. */
const isUnderWay = ({ status }: BatchRecord): boolean => status === 'validating' || status === 'in_progress';

const isLate = (record: BatchRecord, nowMs: number): boolean => isUnderWay(record) && nowMs >= record.expiresAt * 1000;

const mayTry = ({ problem }: QueuedBatch, kind: BatchWork['kind'], nowMs: number): boolean =>
  problem === null || problem.of !== kind || nowMs >= problem.retryAtMs;

const hasRoom = ({ queued }: QueueContext, kind: BatchWork['kind']): boolean =>
  kind !== 'validate' || [...queued.values()].filter(({ work }) => work?.kind === 'validate').length < maxValidations;

/** Begins the next run, or stops the one that is to give way to it. */
function settleTurns(context: QueueContext, nowMs: number): void {
  const when = { loadedModel: context.loads.model(), nowMs };
  const waiting = waitingTurns(context).filter(({ batch }) => mayTry(batch, 'run', nowMs));
  const running = findRunning(context);
  if (running === null) beginNext(context, waiting, when);
  else if (running.work?.stop.signal.aborted === false) stopForOther(context, running, { waiting, when });
}

function beginNext(context: QueueContext, waiting: readonly WaitingTurn[], when: TurnContext): void {
  const [next] = orderTurns(waiting, when);
  if (next === undefined) return;
  for (const { batch } of passedBy(next, waiting)) batch.passedAt ??= when.nowMs;
  next.batch.passedAt = null;
  begin(context, next.batch, 'run');
}

function stopForOther(
  context: QueueContext,
  running: QueuedBatch,
  { waiting, when }: { waiting: readonly WaitingTurn[]; when: TurnContext },
): void {
  const turn = turnOf(context, running);
  const replacement = turn && findReplacement(turn, waiting, when);
  if (replacement === null) return;
  tellBatch(context, running.id, `gives way to ${replacement.id}, and continues later`);
  running.work?.stop.abort();
}

export const findRunning = ({ queued }: QueueContext): QueuedBatch | null =>
  [...queued.values()].find(({ work }) => work?.kind === 'run') ?? null;

interface WaitingTurn extends BatchTurn {
  batch: QueuedBatch;
}

/** The batches that wait for a run, those included that are tried again only later. */
export const waitingTurns = (context: QueueContext): WaitingTurn[] =>
  [...context.queued.values()].flatMap((batch) => {
    const record = context.store.batches.find(batch.id);
    const isWaiting = batch.work === null && record?.status === 'in_progress' && record.paused === null;
    const turn = isWaiting ? turnOf(context, batch) : null;
    return turn === null ? [] : [turn];
  });

function turnOf({ store }: QueueContext, batch: QueuedBatch): WaitingTurn | null {
  const record = store.batches.find(batch.id);
  if (record === null) return null;
  const { id, arrival, passedAt } = batch;
  const { priority, models } = record;
  return { id, arrival, passedAt, priority, models, batch };
}

function begin(context: QueueContext, batch: QueuedBatch, kind: BatchWork['kind']): void {
  const work: BatchWork = { kind, stop: new AbortController(), control: null };
  batch.work = work;
  context.tell(batch.id);
  const end = (): void => {
    batch.work = null;
    context.works.delete(done);
    context.tell(batch.id);
    context.advance();
  };
  const done = doWork(context, batch, work).then(end);
  context.works.add(done);
}

function setTimer(context: QueueContext, nowMs: number): void {
  if (context.timer !== null) clearTimeout(context.timer);
  const times = [...context.queued.values()].flatMap(({ id, problem, work }) => {
    const record = context.store.batches.find(id);
    const ends = record !== null && isUnderWay(record) ? [record.expiresAt * 1000] : [];
    return problem === null || work !== null ? ends : [...ends, problem.retryAtMs];
  });
  const nextMs = Math.min(...times, nextDueMs(waitingTurns(context), nowMs) ?? Number.POSITIVE_INFINITY);
  const isAhead = nextMs > nowMs && Number.isFinite(nextMs);
  context.timer = isAhead ? setTimeout(context.advance, Math.min(nextMs - nowMs, maxTimerMs)).unref() : null;
}
