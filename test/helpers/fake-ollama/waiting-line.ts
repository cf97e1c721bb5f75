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
export function createWaitingLine(paths: number, onChange: (line: WaitingLine) => void): WaitingLine {
  let inside = 0;
  let closed: Error | null = null;
  const queue: { admit: () => void; reject: (error: Error) => void }[] = [];

  const drop = (waiter: (typeof queue)[number]): void => void queue.splice(queue.indexOf(waiter), 1);
  const line: WaitingLine = {
    get inside() {
      return inside;
    },
    get waiting() {
      return queue.length;
    },
    async enter(signal) {
      if (closed !== null) throw closed;
      signal.throwIfAborted();
      if (inside < paths) {
        inside++;
        onChange(line);
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
        queue.push(waiter);
        onChange(line);
      });
    },
    leave() {
      const next = queue.shift();
      if (next === undefined) inside--;
      else next.admit();
      onChange(line);
    },
    close(reason) {
      closed = reason;
      for (const waiter of queue.splice(0)) waiter.reject(reason);
      onChange(line);
    },
  };
  return line;
}
