import { setTimeout as sleep } from 'node:timers/promises';
import { type LoadOptions, type Runner, createRunner, fits } from './runner.ts';
import { busyText } from './faults.ts';
import { refuse } from './refusal.ts';
import { type WaitingLine, createWaitingLine } from './waiting-line.ts';

export interface SchedulerOptions {
  slots: number;
  maxQueue: number;
  loadMs: number;
}

export interface LoadedModel {
  runner: Runner;
  /** Milliseconds; Infinity never expires. */
  expiresAt: number;
}

export interface Scheduler {
  /** The model loaded with these options; `release` it when done. */
  acquire: (model: string, wanted: Wanted, signal: AbortSignal) => Promise<{ runner: Runner; release: () => void }>;
  unload: (model: string) => void;
  /** Lets go of all models, each when its last request has ended. */
  unloadAll: () => void;
  loadedModels: () => LoadedModel[];
  readonly counts: { loads: number; maxInFlight: number; maxWaiting: number };
}

export interface Wanted {
  options: LoadOptions;
  /** Milliseconds after the last use. */
  keepAlive: number;
}

interface Entry extends LoadedModel {
  uses: number;
  keepAlive: number;
  timer: NodeJS.Timeout | null;
  leaving: boolean;
}

export function createScheduler({ slots, maxQueue, loadMs }: SchedulerOptions): Scheduler {
  const loaded = new Map<string, Entry>();
  const counts = { loads: 0, maxInFlight: 0, maxWaiting: 0 };
  // Whoever needs a load goes one at a time; a loaded model is used at once.
  const loads = createWaitingLine(1, (line) => noteWaiting(line));
  const onUnload: (() => void)[] = [];

  const noteWaiting = ({ waiting }: WaitingLine): void => {
    counts.maxWaiting = Math.max(counts.maxWaiting, waiting);
  };
  const lanes = {
    slots,
    onChange(line: WaitingLine) {
      counts.maxInFlight = Math.max(counts.maxInFlight, line.inside);
      noteWaiting(line);
    },
  };

  const usable = (model: string, options: LoadOptions): Entry | null => {
    const entry = loaded.get(model);
    if (entry === undefined || entry.leaving || entry.runner.died.aborted) return null;
    return fits(entry.runner.options, options) ? entry : null;
  };

  const remove = (entry: Entry): void => {
    if (entry.timer !== null) clearTimeout(entry.timer);
    if (loaded.get(entry.runner.model) === entry) loaded.delete(entry.runner.model);
    for (const told of onUnload.splice(0)) told();
  };

  const add = (model: string, options: LoadOptions, keepAlive: number): Entry => {
    counts.loads++;
    const runner = createRunner(model, options, lanes);
    const entry: Entry = { runner, uses: 0, keepAlive, timer: null, leaving: false, expiresAt: Date.now() + keepAlive };
    loaded.set(model, entry);
    return entry;
  };

  const use = (entry: Entry, keepAlive: number): { runner: Runner; release: () => void } => {
    entry.uses++;
    entry.keepAlive = keepAlive;
    entry.expiresAt = Date.now() + keepAlive;
    if (entry.timer !== null) clearTimeout(entry.timer);
    entry.timer = null;
    return {
      runner: entry.runner,
      release() {
        if (--entry.uses > 0) return;
        entry.expiresAt = Date.now() + entry.keepAlive;
        if (entry.leaving || entry.keepAlive <= 0) remove(entry);
        else if (entry.keepAlive < 2 ** 31) {
          entry.timer = setTimeout(() => remove(entry), entry.keepAlive).unref();
        }
      },
    };
  };

  const expire = (entry: Entry): void => {
    entry.leaving = true;
    if (entry.uses === 0) remove(entry);
  };

  return {
    counts,
    loadedModels: () => [...loaded.values()],
    async acquire(model, { options, keepAlive }, signal) {
      const ready = usable(model, options);
      if (ready !== null) return use(ready, keepAlive);
      if (loads.waiting >= maxQueue) throw refuse(503, busyText);
      await loads.enter(signal);
      try {
        const meanwhile = usable(model, options);
        if (meanwhile !== null) return use(meanwhile, keepAlive);
        const old = loaded.get(model);
        if (old !== undefined) {
          expire(old);
          while (loaded.get(model) === old) await new Promise<void>((resolve) => onUnload.push(resolve));
        }
        if (loadMs > 0) await sleep(loadMs, undefined, { signal });
        return use(add(model, options, keepAlive), keepAlive);
      } finally {
        loads.leave();
      }
    },
    unload(model) {
      const entry = loaded.get(model);
      if (entry !== undefined) expire(entry);
    },
    unloadAll() {
      for (const entry of [...loaded.values()]) expire(entry);
    },
  };
}
