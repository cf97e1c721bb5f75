import type { Emit, Notify } from '../../core/events.ts';
import type { LiveControl } from '../../scheduler/live-control.ts';
import { formatCounted } from '../../text/format.ts';

/** Lets other processes of the user change a run that goes on. Each change is told in the run's own terminal, with who asked. */
export interface RunControl extends LiveControl {
  /** Nothing new is sent from now on; what is in flight ends, and the model stays loaded. */
  pause: (by: string) => void;
  resume: (by: string) => void;
  /** Null: as many as the run chose. */
  setWorkers: (workers: number | null, by: string) => void;
}

export function createRunControl(notify: Notify, emit: Emit): RunControl {
  const listeners = new Set<() => void>();
  const state = { paused: null as ReturnType<LiveControl['paused']>, workers: null as number | null };
  const change = (text: string): void => {
    notify({ topic: 'live', text });
    for (const listener of listeners) listener();
  };
  return {
    paused: () => state.paused,
    workers: () => state.workers,
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    pause(by) {
      if (state.paused !== null) return;
      state.paused = { by, since: new Date().toISOString() };
      emit({ type: 'pause', isPaused: true });
      change(`paused by ${by}: what is in flight ends, and the model stays loaded; go on with: llmbatch resume`);
    },
    resume(by) {
      if (state.paused === null) return;
      state.paused = null;
      emit({ type: 'pause', isPaused: false });
      change(`the pause is ended by ${by}: the run goes on`);
    },
    setWorkers(workers, by) {
      if (state.workers === workers) return;
      state.workers = workers;
      const count =
        workers === null
          ? 'requests in flight as the run chooses'
          : `${formatCounted(workers, 'request')} in flight (of each server)`;
      change(`${count} from now on, set by ${by}`);
    },
  };
}
