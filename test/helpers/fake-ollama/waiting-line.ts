export interface WaitingLine {
  /** Resolves when a place is free. Rejects when the signal aborts first, or `close` is called. */
  enter: (signal: AbortSignal) => Promise<void>;
  leave: () => void;
  /** Turns everybody away, now and later. */
  close: (reason: Error) => void;
  readonly inside: number;
  readonly waiting: number;
}

/** `places` at once, the others in the order they came. */
export function createWaitingLine(places: number, onChange: () => void = () => {}): WaitingLine {
  let inside = 0;
  let closed: Error | null = null;
  const line: { admit: () => void; reject: (error: Error) => void }[] = [];

  const drop = (waiter: (typeof line)[number]): void => void line.splice(line.indexOf(waiter), 1);
  return {
    get inside() {
      return inside;
    },
    get waiting() {
      return line.length;
    },
    async enter(signal) {
      if (closed !== null) throw closed;
      signal.throwIfAborted();
      if (inside < places) {
        inside++;
        onChange();
        return;
      }
      await new Promise<void>((resolve, reject) => {
        const waiter = {
          admit() {
            signal.removeEventListener('abort', leave);
            resolve();
          },
          reject(error: Error) {
            signal.removeEventListener('abort', leave);
            reject(error);
          },
        };
        const leave = (): void => {
          drop(waiter);
          waiter.reject(signal.reason as Error);
        };
        signal.addEventListener('abort', leave, { once: true });
        line.push(waiter);
        onChange();
      });
    },
    leave() {
      const next = line.shift();
      if (next === undefined) inside--;
      else next.admit();
      onChange();
    },
    close(reason) {
      closed = reason;
      for (const waiter of line.splice(0)) waiter.reject(reason);
    },
  };
}
