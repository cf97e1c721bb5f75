import { type Task, downedBy } from './task.ts';

/** Number of retries at which an engine is in trouble: nothing new is read until some are done. */
const maxPutOff = 256;

/** Tasks that wait for their time, and those whose time has come. */
export interface Retries {
  /** Are there few enough of them that new requests may be read? Suspects, which may wait for the end of the run, don't count. */
  mayRead: () => boolean;
  isEmpty: () => boolean;
  /** The first one whose time has come, and that `fits`; it stays. */
  peekDue: (fits: (task: Task) => boolean) => Task | undefined;
  takeDue: (task: Task) => void;
  /** Number of those whose time has come, and that any engine may begin: what may have brought engines down is not for all. */
  due: () => number;
  add: (task: Task, delayMs: number) => void;
  clear: () => void;
}

/** `onDue` is called when the time of one has come. */
export function createRetries(onDue: () => void): Retries {
  const timers = new Map<Task, NodeJS.Timeout>();
  const due: Task[] = [];
  const dueForAny = (): number => due.reduce((count, task) => count + Number(downedBy(task) === null), 0);
  return {
    mayRead: () => timers.size + dueForAny() < maxPutOff,
    isEmpty: () => timers.size + due.length === 0,
    peekDue: (fits) => due.find(fits),
    takeDue: (task) => void due.splice(due.indexOf(task), 1),
    due: dueForAny,
    add(task, delayMs) {
      const timer = setTimeout(() => {
        timers.delete(task);
        due.push(task);
        onDue();
      }, delayMs);
      timers.set(task, timer);
    },
    clear() {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    },
  };
}
