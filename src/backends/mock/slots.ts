export interface Slots {
  /** Takes a slot, or waits for one in the order of arrival. An abort gives the place up and rejects with its reason. */
  enter(signal: AbortSignal): Promise<void>;
  leave(): void;
}

/** `size` places for work; who finds none free waits. */
export function createSlots(size: number): Slots {
  let free = size;
  const waiting = new Set<() => void>();
  return {
    async enter(signal) {
      signal.throwIfAborted();
      if (free > 0) free--;
      else await turn(waiting, signal);
    },
    leave() {
      const [next] = waiting;
      if (next === undefined) free++;
      else next();
    },
  };
}

function turn(waiting: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const start = (): void => {
      waiting.delete(start);
      signal.removeEventListener('abort', giveUp);
      resolve();
    };
    const giveUp = (): void => {
      waiting.delete(start);
      reject(signal.reason);
    };
    waiting.add(start);
    signal.addEventListener('abort', giveUp, { once: true });
  });
}
