import type { BackendLimits } from '../core/backend.ts';
import { formatInteger } from '../core/format.ts';
import type { RunnerSettings } from '../core/settings.ts';

/** How many requests are in flight, and a sentence where that is not what was asked for, or not what one might expect. */
export interface LaneChoice {
  lanes: number;
  note: string | null;
}

/**
 * More workers than the engine has slots only wait. In a conversation they would throw each other's cache out (real Ollama,
 * four histories on one slot: 18 times slower), so there are no more histories than slots, unless it is forced.
 */
export function chooseLanes(
  { workers, forceHistories }: Pick<RunnerSettings, 'workers' | 'forceHistories'>,
  limits: BackendLimits,
  mode: 'independent' | 'conversation',
): LaneChoice {
  const { slots, suggestedWorkers } = limits;
  const wanted = workers ?? suggestedWorkers;
  if (slots === null || wanted <= slots) return { lanes: wanted, note: null };
  const has = `the engine works on ${formatInteger(slots)} at a time`;
  if (mode === 'conversation') return conversationLanes({ workers, forceHistories, slots }, has);
  // One more than there are slots is what the engine suggests; it is no surprise then.
  if (workers === null) return { lanes: wanted, note: null };
  const more = limits.moreSlots === undefined ? '' : ` (${limits.moreSlots})`;
  return { lanes: wanted, note: `${formatInteger(wanted)} workers, but ${has}: the others wait in its queue${more}` };
}

function conversationLanes(
  { workers, forceHistories, slots }: { workers: number | null; forceHistories: boolean; slots: number },
  has: string,
): LaneChoice {
  if (workers === null) return { lanes: slots, note: null };
  if (forceHistories) {
    const note = `warning: ${formatInteger(workers)} histories, but ${has}: they throw each other's cache out, which can be many times slower`;
    return { lanes: workers, note };
  }
  const fewer = `${formatInteger(slots)} ${slots === 1 ? 'worker' : 'workers'} instead of ${formatInteger(workers)}`;
  return { lanes: slots, note: `${fewer}: ${has}, and each conversation wants its own (--force-histories takes more)` };
}
