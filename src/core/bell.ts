/** Lets one task wait until another one says that something changed. */
export interface Bell {
  ring: () => void;
  /** Resolves at the next ring. */
  next: () => Promise<void>;
}

export function createBell(): Bell {
  let resolve: (() => void) | null = null;
  let waiting: Promise<void> | null = null;
  return {
    ring() {
      resolve?.();
      resolve = null;
      waiting = null;
    },
    next() {
      waiting ??= new Promise((onRing) => {
        resolve = onRing;
      });
      return waiting;
    },
  };
}
