import type { Backend } from '../../src/core/backend.ts';
import type { Emit, RunEvent, Notify } from '../../src/core/events.ts';
import type { ResultLine } from '../../src/core/result-line.ts';
import { defaultRunnerSettings } from '../../src/core/settings.ts';
import type { WorkItem } from '../../src/core/request.ts';
import { type SchedulerEngine, type SchedulerOptions, createScheduler } from '../../src/scheduler/scheduler.ts';
import { createVerifier } from '../../src/scheduler/verify-answer.ts';
import { items } from './requests.ts';

/** What is seen of a run, in its order: events, and sentences for the user. */
export type Seen = RunEvent | { type: 'notice'; text: string };

/** Listeners that record what they are told, in its order. */
export const recordIn = (seen: Seen[]): { emit: Emit; notify: Notify } => ({
  emit: (event) => void seen.push(event),
  notify: ({ text }) => void seen.push({ type: 'notice', text }),
});

/** A run on one engine. */
export interface SingleRun extends Omit<SchedulerOptions, 'engines' | 'partitions'>, Omit<SchedulerEngine, 'name'> {
  items: AsyncIterable<WorkItem[]>;
}

export interface Watched {
  run: SingleRun;
  lines: ResultLine[];
  events: Seen[];
  stop: AbortController;
  abort: AbortController;
}

/** A run of 50 requests on four workers, and what comes of it. */
export function prepare(backend: Backend, changes: Partial<SingleRun> = {}): Watched {
  const lines: ResultLine[] = [];
  const events: Seen[] = [];
  const stop = new AbortController();
  const abort = new AbortController();
  const run: SingleRun = {
    items: items(50),
    backend,
    maxWorkers: 4,
    startsWith: null,
    conversations: null,
    verifier: createVerifier({ allowTruncated: false }),
    settings: defaultRunnerSettings,
    source: { runId: 'test', backend: 'mock', model: 'mock', hashOf: () => null },
    record: (_row, line) => void lines.push(line),
    ...recordIn(events),
    gpus: { subscribe: () => () => {} },
    stop: stop.signal,
    abort: abort.signal,
    ...changes,
  };
  return { run, lines, events, stop, abort };
}

/** Runs the requests of a prepared run to their results. */
export function runRequests({ backend, maxWorkers, startsWith, items: all, ...run }: SingleRun): Promise<void> {
  const engine = { backend, maxWorkers, startsWith, name: null };
  return createScheduler({
    ...run,
    engines: [Promise.resolve(engine)],
    partitions: [{ size: null, items: all }],
  }).run();
}

export const settings = (changes: Partial<typeof defaultRunnerSettings>) => ({ ...defaultRunnerSettings, ...changes });
export const idsOf = (lines: ResultLine[]): string[] => lines.map(({ custom_id }) => custom_id);
export const allIds = (count: number): string[] => Array.from({ length: count }, (_, row) => `r${row}`);

/** A backend that also counts how many requests it has at a time, and in which worker. */
export function counting(backend: Backend): { backend: Backend; most: () => number; workers: Set<number> } {
  let now = 0;
  let most = 0;
  const workers = new Set<number>();
  return {
    most: () => most,
    workers,
    backend: {
      ...backend,
      async generate(request, context) {
        now++;
        most = Math.max(most, now);
        if (workers.has(context.worker)) throw new Error(`worker ${context.worker} has two requests in flight`);
        workers.add(context.worker);
        try {
          return await backend.generate(request, context);
        } finally {
          now--;
          workers.delete(context.worker);
        }
      },
    },
  };
}
