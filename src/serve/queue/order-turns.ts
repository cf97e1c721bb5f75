/** A batch that could be run now. */
export interface BatchTurn {
  id: string;
  /** Higher first. */
  priority: number;
  /** Lower is older: a number that the queue gave it. */
  arrival: number;
  models: readonly string[];
  /** When a younger batch was first begun in its place, since the model of that one was loaded; epoch milliseconds, else null. */
  passedAt: number | null;
}

/** What the queue knows when it decides. `loadedModel`: null where none is. */
export interface TurnContext {
  loadedModel: string | null;
  nowMs: number;
}

/** How much longer a batch waits for being of another model than the loaded one, in milliseconds. */
export const maxPassedMs = 600_000;

/**
 * The batches in the order in which they would be run now: by priority; of equal ones first those that were passed over for as
 * long as may be, then those of the loaded model; then by age.
 */
export function orderTurns<T extends BatchTurn>(turns: readonly T[], context: TurnContext): T[] {
  return turns.toSorted(
    (one, other) =>
      other.priority - one.priority || rankOf(other, context) - rankOf(one, context) || one.arrival - other.arrival,
  );
}

function rankOf({ models, passedAt }: BatchTurn, { loadedModel, nowMs }: TurnContext): number {
  if (isDue(passedAt, nowMs)) return 2;
  return loadedModel !== null && models.includes(loadedModel) ? 1 : 0;
}

const isDue = (passedAt: number | null, nowMs: number): boolean => passedAt !== null && nowMs - passedAt >= maxPassedMs;

/** The batches that a begun one passes over: as urgent, and older. */
export const passedBy = <T extends BatchTurn>(begun: BatchTurn, waiting: readonly T[]): T[] =>
  waiting.filter(({ priority, arrival }) => priority === begun.priority && arrival < begun.arrival);

/** The waiting batch for which the running one is to be stopped now; null where it may go on. */
export function findReplacement<T extends BatchTurn>(
  running: BatchTurn,
  waiting: readonly T[],
  context: TurnContext,
): T | null {
  const [first] = orderTurns(waiting, context);
  if (first === undefined) return null;
  if (first.priority > running.priority) return first;
  const isOverdue = passedBy(running, [first]).length > 0 && isDue(first.passedAt, context.nowMs);
  return isOverdue ? first : null;
}

/** When a batch that was passed over may wait no longer, in epoch milliseconds; null where none was. */
export function nextDueMs(waiting: readonly BatchTurn[], nowMs: number): number | null {
  const due = waiting.flatMap(({ passedAt }) => (passedAt === null ? [] : [passedAt + maxPassedMs]));
  const ahead = due.filter((atMs) => atMs > nowMs);
  return ahead.length === 0 ? null : Math.min(...ahead);
}
