import type { Spent } from '../../core/attempt-tokens.ts';
import type { WorkItem } from '../../core/request.ts';

/** One request on its way through the workers. */
export interface Task extends WorkItem {
  /** Number of times that the request was sent. */
  attempts: number;
  /** Number of attempts that don't count against the retries, since the engine was to blame. */
  forgiven: number;
  /** What the attempts before the next one cost; null where there were none. */
  retried: Spent | null;
  /** Number of times that memory had lowered the workers when the request was last sent. */
  lowerings: number;
  /** Number of times that the engine had been away when the request was last sent. */
  outages: number;
  /** The engine (0-based) that failed it last: another one is to try it, where there is one. Null: none did. */
  failedOn: number | null;
  /** Null while the engine had no trouble with it. */
  suspicion: Suspicion | null;
}

/** What a request was in flight for that may be its own doing. */
interface Suspicion {
  /** How often the engine went away, crashed or ran out of memory with it, among others. */
  troubles: number;
  /** How often it did so with this request alone. */
  alone: number;
  /** Answers there had been before. */
  answersBefore: number;
  /** The engines (0-based) that went away or crashed with it. */
  downed: number[];
}

/** Number of troubles that make a request a suspect: a single one may have come from outside. */
export const troublesThatTell = 2;

/** What may be the cause is sent with nothing else in flight: else every request that is ever beside it would fail with it. */
export const isSuspect = ({ suspicion }: Task): boolean => (suspicion?.troubles ?? 0) >= troublesThatTell;

/** The engines that a suspect may have brought down; null for any other request. */
export const downedBy = (task: Task): readonly number[] | null => {
  const { downed = [] } = task.suspicion ?? {};
  return isSuspect(task) && downed.length > 0 ? downed : null;
};

/** A literal with every field: a spread would cost more than all the rest of handing out a task. */
export const untried = ({ row, read }: WorkItem): Task => ({
  row,
  read,
  attempts: 0,
  forgiven: 0,
  retried: null,
  lowerings: 0,
  outages: 0,
  failedOn: null,
  suspicion: null,
});
