/** Ends a run whose engines are all out, where one is still being opened that does not come. */
export interface LastHope {
  /** An engine that was being opened is there, or never will be. */
  noteOpening: (isThere: boolean) => void;
  /** Is an engine to come that the run can wait for, now that the last one is out for this reason? */
  mayWait: (error: Error) => boolean;
  /** An engine is of use again. */
  noteReturn: () => void;
  close: () => void;
}

/** Longest wait, as for a server that went away, in milliseconds. */
const maxWaitMs = 300_000;

/** `opening`: engines that are being opened. `isLost`: are all that came out? `fail` ends the run. */
export function createLastHope({
  opening,
  isLost,
  fail,
}: {
  opening: number;
  isLost: () => boolean;
  fail: (error: Error) => void;
}): LastHope {
  const state = { opening, error: null as Error | null, timer: null as NodeJS.Timeout | null };
  const stop = (): void => {
    if (state.timer !== null) clearTimeout(state.timer);
    state.timer = null;
  };
  const end = (): void => {
    stop();
    if (state.error !== null && isLost()) fail(state.error);
  };
  return {
    noteOpening(isThere) {
      state.opening--;
      if (isThere) stop();
      else if (state.opening === 0 && state.timer !== null) end();
    },
    mayWait(error) {
      if (state.opening === 0) return false;
      state.error = error;
      state.timer ??= setTimeout(end, maxWaitMs);
      return true;
    },
    noteReturn: stop,
    close: stop,
  };
}
