import type { Backend } from '../../core/backend.ts';
import type { Answer } from '../../core/completion.ts';
import type { Emit, Notify } from '../../core/events.ts';
import type { BatchRequest } from '../../core/request.ts';
import { createLimitFinder } from './find-limit.ts';
import { watchLoad } from './watch-load.ts';
import type { WorkerLimit } from './worker-limit.ts';

export interface ServerLimitOptions {
  backend: Backend;
  limit: Pick<WorkerLimit, 'set'>;
  /** The limit that the search begins with, and the largest; null: what the server can hold is known. */
  startsWith: number | null;
  maxWorkers: number;
  inFlight: () => number;
  isAway: () => boolean;
  emit: Emit;
  notify: Notify;
}

/** Sets the limit to what the server can hold, by what it says of its load and by how it answers. */
export interface ServerLimit {
  onSend: (request: BatchRequest) => void;
  /** The attempt has ended; `answer` is null where it was stopped. */
  onEnd: (request: BatchRequest, answer: Answer | null, latencyMs: number) => void;
  close: () => void;
}

export function createServerLimit(options: ServerLimitOptions): ServerLimit {
  const { startsWith, maxWorkers, limit, inFlight } = options;
  const finder =
    startsWith === null ? null : createLimitFinder({ start: startsWith, max: maxWorkers, onChange: limit.set });
  let ours = 0;
  const load = watchLoad({ ...options, ours: () => ours, onLoad: (told) => finder?.onLoad(told, inFlight()) });
  return {
    onSend: (request) => void (ours += requestsIn(request)),
    onEnd(request, answer, latencyMs) {
      ours -= requestsIn(request);
      if (answer !== null) finder?.onAnswer(answer, latencyMs, inFlight() + 1);
    },
    close() {
      load.close();
      if (finder !== null) limit.set(finder.found());
    },
  };
}

/** Requests that an engine makes of one: one for each answer that it wants, or for each text that it embeds. */
function requestsIn({ body: { n, input } }: BatchRequest): number {
  if (Array.isArray(input) && typeof input[0] === 'string') return input.length;
  return typeof n === 'number' ? n : 1;
}
