import type { BackendDefinition, BackendLimits } from '../../core/backend.ts';
import { formatCounted, formatInteger } from '../../text/format.ts';
import type { RunnerSettings } from '../../core/settings.ts';

/** The number of requests in flight, with a sentence for the user where it is not what was asked for or expected. */
export interface WorkerChoice {
  maxWorkers: number;
  /** The number is found, from so many on, `maxWorkers` at most; null: it is given. */
  startsWith: number | null;
  note: string | null;
}

type MoreSlots = BackendDefinition['moreSlots'];
type CountChoice = Omit<WorkerChoice, 'startsWith'>;
type Mode = 'independent' | 'conversation';
type WorkerSettings = Pick<RunnerSettings, 'workers' | 'forceHistories'>;

/**
 * The scheduler searches for what a server can hold where that is not known. A number that the user asked for may only
 * fall, and so may the number of histories: each new one would begin empty.
 */
export function chooseWorkers(
  asked: WorkerSettings,
  limits: BackendLimits,
  mode: Mode,
  moreSlots?: MoreSlots,
): WorkerChoice {
  const { finds } = limits;
  if (finds === undefined) return { ...knownWorkers(asked, limits, mode, moreSlots), startsWith: null };
  const isFound = asked.workers === null && mode === 'independent' && finds.start < finds.max;
  if (!isFound) {
    const known = knownWorkers(asked, limits, mode, moreSlots);
    return { ...known, startsWith: known.maxWorkers };
  }
  const { start, max } = finds;
  return { maxWorkers: max, startsWith: start, note: null };
}

/**
 * With `--background` a slot of a server is left to others, so that their requests begin at once, and are seen where a server
 * does not tell what waits. A number that the user asked for stays.
 */
export function leaveSlot(
  { workers, background }: Pick<RunnerSettings, 'workers' | 'background'>,
  slots: number | null,
  choice: WorkerChoice,
): WorkerChoice {
  if (!background || workers !== null || slots === null || slots < 2) return choice;
  const maxWorkers = Math.min(choice.maxWorkers, slots - 1);
  return { ...choice, maxWorkers, startsWith: choice.startsWith && Math.min(choice.startsWith, maxWorkers) };
}

/**
 * `4 workers`, with the reason where nobody asked for so many; where the number is found, `8 to 256 in flight (the run
 * finds how many the server can handle)`.
 */
export function describeWorkers(
  { maxWorkers, startsWith }: WorkerChoice,
  { workers }: Pick<RunnerSettings, 'workers'>,
  { slots }: Pick<BackendLimits, 'slots'>,
): string {
  if (startsWith === null || startsWith === maxWorkers) {
    const counted = formatCounted(maxWorkers, 'worker');
    return workers !== null || slots === null ? counted : `${counted} (${whySoMany(maxWorkers, slots)})`;
  }
  return `${formatInteger(startsWith)} to ${formatInteger(maxWorkers)} in flight (the run finds how many the server can handle)`;
}

function whySoMany(workers: number, slots: number): string {
  const has = `the engine works on ${formatInteger(slots)} at a time`;
  if (workers < slots) return `${has}, and others can use the rest`;
  return workers === slots ? has : `${has}, and the next one is ready`;
}

/**
 * More workers than the engine has slots only wait. In a conversation they would throw each other's cache out (real
 * Ollama, four histories on one slot: 18 times slower), so there are no more histories than slots, unless it is forced.
 */
function knownWorkers(
  { workers, forceHistories }: WorkerSettings,
  limits: BackendLimits,
  mode: Mode,
  moreSlots?: MoreSlots,
): CountChoice {
  const { slots, suggestedWorkers } = limits;
  const wanted = workers ?? suggestedWorkers;
  if (slots === null || wanted <= slots) return { maxWorkers: wanted, note: null };
  const has = `the engine works on ${formatInteger(slots)} at a time`;
  if (mode === 'conversation') return conversationWorkers({ workers, forceHistories, slots }, has);
  // One more than there are slots is what the engine suggests; it is no surprise then.
  if (workers === null) return { maxWorkers: wanted, note: null };
  const way = limits.fixedSlots ?? (moreSlots && `more at once: ${moreSlots(wanted)}`);
  const note = `${formatInteger(wanted)} workers, but ${has}: the others wait in its queue`;
  return { maxWorkers: wanted, note: way === undefined ? note : `${note} (${way})` };
}

function conversationWorkers(
  { workers, forceHistories, slots }: { workers: number | null; forceHistories: boolean; slots: number },
  has: string,
): CountChoice {
  if (workers === null) return { maxWorkers: slots, note: null };
  if (forceHistories) {
    const note = `warning: ${formatInteger(workers)} histories, but ${has}: they throw each other's cache out, which can be many times slower`;
    return { maxWorkers: workers, note };
  }
  const fewer = `${formatCounted(slots, 'worker')} instead of ${formatInteger(workers)}`;
  return {
    maxWorkers: slots,
    note: `${fewer}: ${has}, and each conversation needs its own slot (--force-histories allows more)`,
  };
}
