import { type Failure, failure } from '../core/completion.ts';
import type { BatchRequest } from '../core/request.ts';
import type { OutOfMemory } from './limits/out-of-memory.ts';
import { type Task, isSuspect, troublesThatTell } from './queue/task.ts';
import type { WorkerLimit } from './limits/worker-limit.ts';

/**
 * forgiven: the attempt does not count · charged: it does · culprit: it is this request that the engine can't bear, and
 * it fails, as told.
 */
type CulpritVerdict = { is: 'forgiven' | 'charged' } | { is: 'culprit'; failure: Failure };

/**
 * Tells a request that brings the engine down, or is too large for its memory, from those that were beside it. Whoever
 * was in flight in two such troubles is sent alone; what then still fails twice is the culprit, and fails alone.
 */
export interface CulpritSearch {
  judge: (task: Task, request: BatchRequest, trouble: { failure: Failure; wasAway: boolean }) => CulpritVerdict;
  onAnswer: () => void;
}

export interface CulpritContext {
  /** Number of the engine among those of the run, from 0. */
  engine: number;
  memory: OutOfMemory;
  workers: WorkerLimit;
  settings: { retries: number };
  /** Number of answers of the run, of all its engines. */
  answers: { count: number };
}

export function createCulpritSearch({ engine, memory, workers, settings, answers }: CulpritContext): CulpritSearch {
  const note = (task: Task): number => {
    task.suspicion ??= { troubles: 0, alone: 0, answersBefore: answers.count, downed: [] };
    if (!isSuspect(task)) task.suspicion.troubles++;
    else task.suspicion.alone++;
    return task.suspicion.alone;
  };
  const judgeMemory = (task: Task, request: BatchRequest, failed: Failure): CulpritVerdict => {
    // It belongs to the burst that has lowered the workers already.
    if (!isSuspect(task) && task.lowerings < workers.lowerings()) return { is: 'forgiven' };
    const alone = note(task);
    if (alone >= Math.min(troublesThatTell, settings.retries + 1)) {
      memory.blame(request, failed);
      const text = `The engine ran out of memory for this request, which was alone in it. ${failed.message}`;
      return { is: 'culprit', failure: { ...failed, message: text } };
    }
    if (alone === 0 && task.suspicion?.troubles === 1) memory.lower(request, failed);
    return { is: 'forgiven' };
  };
  const judgeCrash = (task: Task, failed: Failure, wasAway: boolean): CulpritVerdict => {
    const alone = note(task);
    if (task.suspicion?.downed.includes(engine) === false) task.suspicion.downed.push(engine);
    if (alone < troublesThatTell) return { is: wasAway ? 'forgiven' : 'charged' };
    // The failure is transient where nothing else was answered since: the engine itself may be to blame, and a resume
    // tries again.
    const isProven = answers.count > (task.suspicion?.answersBefore ?? 0);
    const text = `The engine went down each time that it had this request, alone too. ${failed.message}`;
    return { is: 'culprit', failure: isProven ? failure('bad-request', text) : { ...failed, message: text } };
  };
  return {
    judge(task, request, { failure: failed, wasAway }) {
      if (failed.kind === 'out-of-memory') return judgeMemory(task, request, failed);
      return wasAway || failed.kind === 'engine-crashed' ? judgeCrash(task, failed, wasAway) : { is: 'charged' };
    },
    onAnswer() {
      answers.count++;
      memory.onAnswer();
    },
  };
}
