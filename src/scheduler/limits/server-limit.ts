import type { Backend } from '../../core/backend.ts';
import type { Answer, Failure } from '../../core/completion.ts';
import type { Emit, Notify } from '../../core/events.ts';
import type { BatchRequest } from '../../core/request.ts';
import type { RunnerSettings } from '../../core/settings.ts';
import { kindsOfAbsence } from '../outages.ts';
import { createLimitFinder } from './find-limit.ts';
import { createGiveWay } from './give-way.ts';
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
  /** What is sent gives way to the requests of others. */
  settings: Pick<RunnerSettings, 'background'>;
  emit: Emit;
  notify: Notify;
  onRoom: () => void;
}

/** Sets the limit to what the server can hold, by what it says of its load and by how it answers; leaves the server to others. */
export interface ServerLimit {
  /** Nothing new is to be sent: others use the server, and the run gives way. */
  isGivingWay: () => boolean;
  onSend: (request: BatchRequest) => void;
  /** The attempt has ended; `answer` is null where it was stopped. */
  onEnd: (request: BatchRequest, answer: Answer | null, latencyMs: number) => void;
  /**
   * It is known where the server was when an attempt failed: not away (null), or away for the outage with this number. An outage says
   * nothing of how many requests the server can hold; one that follows soon after another may have come of too many.
   */
  onFailure: (failure: Failure, latencyMs: number, outage: number | null) => void;
  close: () => void;
}

/** Answers after which an outage is none that follows soon after another. */
const answersBetween = 64;

export function createServerLimit(options: ServerLimitOptions): ServerLimit {
  const { startsWith, maxWorkers, limit, inFlight } = options;
  const finder =
    startsWith === null ? null : createLimitFinder({ start: startsWith, max: maxWorkers, onChange: limit.set });
  const past = { answers: Infinity, outage: 0, isForgiven: false };
  let ours = 0;
  const giveWay = options.settings.background ? createGiveWay(options) : null;
  const load = watchLoad({
    ...options,
    ours: () => ours,
    givesWay: giveWay !== null,
    onLoad(told) {
      giveWay?.onLoad(told);
      finder?.onLoad(told, inFlight());
    },
    onUntold: () => giveWay?.noteUntold(),
  });
  return {
    isGivingWay: () => giveWay?.isOn() ?? false,
    onSend: (request) => void (ours += requestsIn(request)),
    onEnd(request, answer, latencyMs) {
      ours -= requestsIn(request);
      if (answer?.status === 'completed') past.answers++;
      if (answer === null || (answer.status === 'failed' && kindsOfAbsence.has(answer.kind))) return;
      finder?.onAnswer(answer, latencyMs, inFlight() + 1);
    },
    onFailure(failure, latencyMs, outage) {
      if (!kindsOfAbsence.has(failure.kind)) return;
      if (outage !== null && outage !== past.outage)
        Object.assign(past, { outage, isForgiven: past.answers >= answersBetween, answers: 0 });
      if (outage === null || !past.isForgiven) finder?.onAnswer(failure, latencyMs, inFlight() + 1);
    },
    close() {
      load.close();
      giveWay?.close();
      if (finder !== null) limit.set(finder.found());
    },
  };
}

/** Requests that an engine makes of one: one for each answer that it wants, or for each text that it embeds. */
function requestsIn({ body: { n, input } }: BatchRequest): number {
  if (Array.isArray(input) && typeof input[0] === 'string') return input.length;
  return typeof n === 'number' ? n : 1;
}
