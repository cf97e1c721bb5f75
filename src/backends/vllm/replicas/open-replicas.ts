import type { GenerateContext, Supervision } from '../../../core/backend.ts';
import type { Answer, Failure } from '../../../core/completion.ts';
import type { BatchRequest } from '../../../core/request.ts';
import type { WorkerSpec } from '../../subprocess/protocol.ts';
import type { KvPressure } from '../explain-cache.ts';
import type { VllmInfo } from '../settings.ts';
import { createDispatch } from './dispatch.ts';
import { type Fleet, type FleetMember, type FleetOptions, createFleet } from './fleet.ts';
import { type Places, createPlaces } from './places.ts';

/** The engines of a run, wherever they are. */
export interface StartedEngines {
  replicas: Replicas;
  /** Number of them that there are to be. */
  count: number;
  kvPressure: () => KvPressure;
}

/** Engines of one model side by side. One that dies takes none of the others with it, and is started again. */
export interface Replicas {
  /** Facts of the first one that was ready. */
  readonly info: VllmInfo;
  readonly supervision: Supervision;
  /** Answers a request on one that is ready and has room, for which it waits. */
  generate: (request: BatchRequest, systemPrompt: string, context: GenerateContext) => Promise<Answer>;
  clearPromptCaches: () => void;
  close: () => Promise<void>;
}

export interface ReplicasOptions extends FleetOptions {
  /** Requests that one of them takes at once. */
  maxInFlight: (info: VllmInfo) => number;
  /** Silence in milliseconds of one that has requests, while others work: then it hangs, and is started again. */
  stallTimeoutMs: number;
}

/**
 * Twice as many in flight as run at once, so that the scheduler of an engine always has a next one; its queue has no bound
 * of its own.
 */
export const maxInFlight = ({ maxNumSeqs }: VllmInfo): number => Math.min(1024, Math.max(64, 2 * maxNumSeqs));

const watchMs = 1000;

/** Finds an engine that takes a request now; null: there is none. */
type Finder = () => FleetMember | null;

/** Starts them all, and resolves when the first `min` are ready. Throws an `EngineError` when they can't be. */
export async function openReplicas(specs: readonly WorkerSpec[], options: ReplicasOptions): Promise<Replicas> {
  const places = createPlaces();
  const fleet = createFleet(specs, options, places.wakeAll);
  const { members } = fleet;
  const info = await fleet.begin().catch(async (error: unknown) => {
    await fleet.kill();
    throw error;
  });
  const choice = createChoice(members, options.maxInFlight(info));
  const ask = createAsk(fleet, places);
  const watch = setInterval(() => endHanging(members, options.stallTimeoutMs), watchMs).unref();
  return {
    info,
    supervision: fleet,
    async generate(request, systemPrompt, context) {
      if (context.isAlone !== true) return ask(request, () => choice.withRoom(systemPrompt), context);
      return ask(request, choice.reserved, context).finally(() => {
        choice.release();
        places.wakeAll();
      });
    },
    clearPromptCaches() {
      for (const { worker } of members) worker.clearPromptCache();
    },
    async close() {
      clearInterval(watch);
      await fleet.close();
    },
  };
}

/** Returns what asks the engine that is found, for which it waits. */
function createAsk(
  fleet: Fleet,
  places: Places,
): (request: BatchRequest, find: Finder, context: GenerateContext) => Promise<Answer> {
  /** One with a place, which is taken from now on; or why there is none and will be none. */
  const takePlace = async (find: Finder, signal: AbortSignal): Promise<FleetMember | Failure> => {
    for (;;) {
      const member = find();
      if (member !== null) {
        member.inFlight++;
        return member;
      }
      const refused = fleet.refusal();
      if (refused !== null) return refused;
      fleet.revive();
      await places.wait(signal);
    }
  };
  return async (request, find, context) => {
    const member = await takePlace(find, context.signal);
    if ('status' in member) return member;
    try {
      return await member.worker.generate(request, context);
    } finally {
      member.inFlight--;
      if (member.isReserved && member.inFlight === 0) places.wakeAll();
      else places.wakeOne();
    }
  };
}

/** Chooses the engine that takes a request now; each gives null where there is none. */
function createChoice(members: readonly FleetMember[], limit: number) {
  const hasRoom = ({ worker, inFlight, isReserved }: FleetMember): boolean =>
    worker.isReady() && !isReserved && inFlight < limit;
  const choose = createDispatch(members);
  return {
    withRoom: (systemPrompt: string): FleetMember | null =>
      members.some(hasRoom) ? members[choose(systemPrompt, (index) => hasRoom(members[index]!))]! : null,
    /**
     * For a request that must be alone, of which there is one at a time: keeps the one that has the least, until that one has
     * nothing else.
     */
    reserved: (): FleetMember | null => {
      const ready = members.filter(({ worker }) => worker.isReady());
      const [idlest] = ready.toSorted((left, right) => left.inFlight - right.inFlight);
      const chosen = ready.find(({ isReserved }) => isReserved) ?? idlest;
      for (const member of members) member.isReserved = member === chosen;
      return chosen?.inFlight === 0 ? chosen : null;
    },
    release: (): void => {
      for (const member of members) member.isReserved = false;
    },
  };
}

/** Ends those that say nothing while they have requests. The last one that is left is the scheduler's to judge. */
function endHanging(members: readonly FleetMember[], stallTimeoutMs: number): void {
  const ready = members.filter(({ worker }) => worker.isReady());
  const hanging = ready.filter(({ worker, inFlight }) => inFlight > 0 && worker.silentMs() > stallTimeoutMs);
  if (hanging.length < ready.length) for (const { worker } of hanging) void worker.restart();
}
