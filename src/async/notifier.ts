/** Lets one task wait until another one says that something changed. */
export interface Notifier {
  notify: () => void;
  /** Resolves at the next call of `notify`. */
  next: () => Promise<void>;
}

export function createNotifier(): Notifier {
  let resolve: (() => void) | null = null;
  let waiting: Promise<void> | null = null;
  return {
    notify() {
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
