import type { RunEvent } from '../core/events.ts';
import type { RunProgress } from '../core/snapshot.ts';

/**
 * A clock in milliseconds that stands still while a run is held: nothing is sent, since the user paused it or all of its engines
 * are left to others, and nothing is in flight. Rates and the ETA go by it, and no server counts as idle meanwhile.
 */
export interface WorkClock {
  /** Takes each event, before whatever asks for its time. */
  note: (event: RunEvent) => void;
  now: () => number;
  /** Milliseconds of this session in which the clock stood still. */
  heldMs: () => number;
  /** Nothing new is sent, for now or any more. */
  isHeld: () => boolean;
  /** Why nothing new is sent, for the progress of the run. */
  holds: () => Pick<RunProgress, 'isPaused' | 'isStopping' | 'givingWay'>;
}

export function createWorkClock(now: () => number): WorkClock {
  const engines = new Set<number>();
  const givingWay = new Set<number>();
  const state = { isPaused: false, isStopping: false, inFlight: 0, hasStarted: false };
  const held = { ms: 0, beforeMs: 0, since: null as number | null };
  const isHeld = (): boolean => state.isPaused || (givingWay.size > 0 && givingWay.size >= engines.size);
  const heldMs = (): number => held.ms + (held.since === null ? 0 : now() - held.since);

  const handlers: { [Type in RunEvent['type']]?: (event: Extract<RunEvent, { type: Type }>) => void } = {
    'model-start'() {
      // Whatever was before the first model is no part of the session.
      if (!state.hasStarted) held.beforeMs = heldMs();
      state.hasStarted = true;
    },
    'server-start': ({ server = 0 }) => void engines.add(server),
    'request-start': () => void state.inFlight++,
    'request-end': () => void state.inFlight--,
    stop: () => void (state.isStopping = true),
    pause: ({ isPaused }) => void (state.isPaused = isPaused),
    'give-way': ({ isOn, server = 0 }) => void (isOn ? givingWay.add(server) : givingWay.delete(server)),
  };
  return {
    note(event) {
      (handlers[event.type] as ((event: RunEvent) => void) | undefined)?.(event);
      const isStill = isHeld() && state.inFlight === 0;
      if (isStill) held.since ??= now();
      else Object.assign(held, { ms: heldMs(), since: null });
    },
    now: () => now() - heldMs(),
    heldMs: () => heldMs() - held.beforeMs,
    isHeld: () => isHeld() || state.isStopping,
    holds: () => ({
      ...(state.isPaused && { isPaused: true }),
      ...(state.isStopping && { isStopping: true }),
      ...(givingWay.size > 0 && { givingWay: givingWay.size }),
    }),
  };
}
