import { raceAbort } from '../../../async/abort.ts';
import { createNotifier } from '../../../async/notifier.ts';
import type { Supervision } from '../../../core/backend.ts';
import { type Failure, failure } from '../../../core/completion.ts';
import { EngineError, messageOf, stopsTheRun } from '../../../core/errors.ts';
import type { EngineLoad } from '../../../core/measurements.ts';
import type { WorkerSpec } from '../../subprocess/protocol.ts';
import { type WorkerProcess, createWorkerProcess } from '../../subprocess/worker-process.ts';
import type { VllmInfo } from '../settings.ts';

/** The engines of a run, which are started, and started again where they die. */
export interface Fleet extends Supervision {
  readonly members: readonly FleetMember[];
  /** Starts them all, and resolves when the first `min` are ready. Rejects where one of them can't be, before that. */
  begin: () => Promise<VllmInfo>;
  /** Starts those again that have died. */
  revive: () => void;
  /** Why none of them can answer any more; null while one can, or will. */
  refusal: () => Failure | null;
  /** Ends them all at once. */
  kill: () => Promise<void>;
  close: () => Promise<void>;
}

export interface FleetMember {
  readonly worker: WorkerProcess<VllmInfo>;
  /** Requests that it has. */
  inFlight: number;
  /** It is kept for a request that must be alone in it. */
  isReserved: boolean;
  wasReady: boolean;
  isStarting: boolean;
  /** Why it is not started any more; null while it is. */
  end: Error | null;
}

export interface FleetOptions {
  /** How many must be ready before the first request. */
  min: number;
  /** One that crashes before it was ready is started again, as where whole machines come and go; else it ends them all. */
  mayCrash: boolean;
  /** Why none of them can be started any more; null while they can. */
  refusal: () => EngineError | null;
  /** Aborted where the engines are not wanted any more, before they are open. */
  signal: AbortSignal;
  onRestart: (reason: string) => void;
  /** One will not be started again, for this reason, and the others go on. */
  onLoss: (reason: string) => void;
  /** How many are ready, are to come, and are gone. */
  onCounts: (counts: NonNullable<EngineLoad['replicas']>) => void;
}

/** Starts of one of them that fail, after which it is given up. */
const maxStarts = 5;

/** `onChange` is called when one has become ready, has died or is given up. */
export function createFleet(specs: readonly WorkerSpec[], options: FleetOptions, onChange: () => void): Fleet {
  const changed = createNotifier();
  const { members, revive, info, deaths, end } = createMembers(specs, options, () => {
    changed.notify();
    onChange();
    options.onCounts(countsOf(members));
  });
  let toldDeaths = 0;
  return {
    ...supervisionOf(members),
    members,
    async begin() {
      revive();
      for (;;) {
        const first = info();
        if (first !== null && countsOf(members).up >= options.min) return first;
        const failed = members.find((member) => member.end !== null);
        if (failed !== undefined) throw failed.end;
        await raceAbort(changed.next(), options.signal);
      }
    },
    revive,
    async recover(_failure, signal) {
      revive();
      const wasThere = members.length > 1 && members.some(isReady);
      while (!members.some(isReady)) {
        const refused = refusalOf(members);
        if (refused !== null) throw new EngineError(refused.kind, refused.message);
        await raceAbort(changed.next(), signal);
      }
      const hasLost = deaths() > toldDeaths;
      toldDeaths = deaths();
      if (!hasLost) return 'here';
      return wasThere ? 'partly' : 'away';
    },
    refusal: () => refusalOf(members),
    kill: () => end((worker) => worker.kill()),
    close: () => end((worker) => worker.close()),
  };
}

interface Members extends Pick<Fleet, 'members' | 'revive'> {
  /** Facts of the first one that was ready; null before. */
  info: () => VllmInfo | null;
  deaths: () => number;
  /** Ends each of them, for good. */
  end: (how: (worker: FleetMember['worker']) => Promise<void>) => Promise<void>;
}

function createMembers(specs: readonly WorkerSpec[], options: FleetOptions, onChange: () => void): Members {
  const closing = new AbortController();
  const state = { info: null as VllmInfo | null, deaths: 0 };
  const onEnd = (): void => {
    state.deaths++;
    onChange();
    // A single one is started by the next request.
    if (members.length > 1) revive();
  };
  const members = specs.map((spec): FleetMember => {
    const worker = createWorkerProcess<VllmInfo>(spec, { onRestart: options.onRestart, onEnd });
    return { worker, inFlight: 0, isReserved: false, wasReady: false, isStarting: false, end: null };
  });
  const start = async (member: FleetMember): Promise<void> => {
    member.isStarting = true;
    try {
      const info = await untilReady(member, options, closing.signal);
      state.info ??= info;
      if (info.digest !== state.info.digest) throw new EngineError('unusable', otherWeights);
      member.wasReady = true;
    } catch (error) {
      member.end = error as Error;
      void member.worker.close();
      const goOn = state.info !== null && options.refusal() === null && !closing.signal.aborted;
      if (goOn) options.onLoss(messageOf(error));
    }
    member.isStarting = false;
    onChange();
  };
  const revive = (): void => {
    if (closing.signal.aborted) return;
    const dead = members.filter((member) => !member.isStarting && !isReady(member) && member.end === null);
    for (const member of dead) void start(member);
  };
  return {
    members,
    revive,
    info: () => state.info,
    deaths: () => state.deaths,
    async end(how) {
      closing.abort(new Error('the engines are closed'));
      await Promise.all(members.map(({ worker }) => how(worker)));
    },
  };
}

const isReady = ({ worker }: FleetMember): boolean => worker.isReady();

const otherWeights = 'It has other weights of the model than the others.';

/** Waits for one that is started; where it was ready before, or may crash, it is tried several times. */
async function untilReady(
  { worker, wasReady }: FleetMember,
  { mayCrash, refusal }: Pick<FleetOptions, 'mayCrash' | 'refusal'>,
  signal: AbortSignal,
): Promise<VllmInfo> {
  for (let starts = 1; ; starts++) {
    const hopeless = refusal();
    if (hopeless !== null) throw hopeless;
    const refused = worker.refusal();
    if (refused !== null) throw new EngineError(refused.kind, refused.message);
    try {
      return await worker.ready(signal);
    } catch (error) {
      if (!(error instanceof EngineError) || starts >= maxStarts) throw error;
      if (!wasReady && !(mayCrash && error.kind === 'engine-crashed')) throw error;
    }
  }
}

function refusalOf(members: readonly FleetMember[]): Failure | null {
  if (members.some(({ end }) => end === null)) return null;
  const end = members[0]?.end;
  return failure(end instanceof EngineError && stopsTheRun(end.kind) ? end.kind : 'unusable', messageOf(end));
}

function countsOf(members: readonly FleetMember[]): NonNullable<EngineLoad['replicas']> {
  const down = members.filter((member) => !isReady(member));
  const lost = down.filter(({ wasReady, end }) => wasReady || end !== null).length;
  return { up: members.length - down.length, pending: down.length - lost, lost };
}

function supervisionOf(members: readonly FleetMember[]): Supervision {
  return {
    pid: () => members[0]?.worker.pid() ?? null,
    async restart() {
      await Promise.all(members.filter(isReady).map(({ worker }) => worker.restart()));
    },
    isStarting: () => !members.some(isReady) && members.some(({ isStarting }) => isStarting),
  };
}
