import type { Emit, Notify } from '../../core/events.ts';
import type { LiveControl, RunPause } from '../../scheduler/live-control.ts';
import { formatCounted, formatLocalTime } from '../../text/format.ts';

/** Lets other processes of the user change a run that goes on. Each change is told in the run's own terminal, with who asked. */
export interface RunControl extends LiveControl {
  /** Nothing new is sent from now on; what is in flight ends, and the model stays loaded. */
  pause: (by: string) => void;
  /** Ends the pause that somebody asked for; where there is none, that of the hours, until they end the next time. */
  resume: (by: string) => void;
  /** Null: as many as the run chose. */
  setWorkers: (workers: number | null, by: string) => void;
  /** The hours of the run are over, and begin again at `until`; null: they have begun. */
  setHours: (hours: string, until: Date | null) => void;
}

export function createRunControl(notify: Notify, emit: Emit): RunControl {
  const listeners = new Set<() => void>();
  const state = { byHand: null as RunPause | null, byHours: null as RunPause | null, workers: null as number | null };
  const paused = (): RunPause | null => state.byHand ?? state.byHours;
  const change = (changes: Partial<typeof state>, text: string): void => {
    const was = paused() !== null;
    Object.assign(state, changes);
    const isPaused = paused() !== null;
    if (isPaused !== was) emit({ type: 'pause', isPaused });
    notify({ topic: 'live', text });
    for (const listener of listeners) listener();
  };
  return {
    paused,
    workers: () => state.workers,
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    pause(by) {
      if (state.byHand !== null) return;
      const text = `paused by ${by}: requests in flight finish, and the model stays loaded; to continue: llmbatch resume`;
      change({ byHand: { by, since: isoNow(), until: null } }, text);
    },
    resume(by) {
      const { byHand, byHours } = state;
      if (byHand === null && byHours === null) return;
      if (byHand === null)
        return change({ byHours: null }, `${by} ends the pause outside the hours: the run continues`);
      const rest =
        byHours === null ? 'the run continues' : `outside the hours, the run continues at ${timeOf(byHours)}`;
      change({ byHand: null }, `the pause is ended by ${by}: ${rest}`);
    },
    setWorkers(workers, by) {
      if (state.workers === workers) return;
      const count =
        workers === null
          ? 'requests in flight as the run chooses'
          : `${formatCounted(workers, 'request')} in flight (of each server)`;
      change({ workers }, `${count} from now on, set by ${by}`);
    },
    setHours(hours, until) {
      if (until === null && state.byHours === null) return;
      const byHours = until === null ? null : { by: `the hours ${hours}`, since: isoNow(), until: until.toISOString() };
      change({ byHours }, hoursText(hours, { byHours, byHand: state.byHand }));
    },
  };
}

function hoursText(hours: string, { byHours, byHand }: Record<'byHours' | 'byHand', RunPause | null>): string {
  if (byHours !== null)
    return `outside the hours ${hours}: no new requests until ${timeOf(byHours)}; requests in flight finish, and a loaded model stays loaded (to free it, press Ctrl-C and resume later); to continue before that: llmbatch resume`;
  return `the hours ${hours} have begun: ${byHand === null ? 'the run continues' : `it stays paused, by ${byHand.by}`}`;
}

const isoNow = (): string => new Date().toISOString();

const timeOf = ({ until }: RunPause): string => (until === null ? '' : formatLocalTime(until));
