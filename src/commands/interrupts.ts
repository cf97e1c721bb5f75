import { exitCodes } from '../core/errors.ts';

/** Ctrl-C and SIGTERM, once: what runs may end; twice: everything ends now. */
export interface Interrupts {
  stop: AbortSignal;
  abort: AbortSignal;
  /** Ends the run without a signal: the reader of stdout is gone. */
  endNow: () => void;
  /** 130 or 143 once a signal came, else null. */
  exitCode: () => number | null;
  close: () => void;
}

export function watchInterrupts(onFirst: () => void): Interrupts {
  const stop = new AbortController();
  const abort = new AbortController();
  let exitCode: number | null = null;
  const interrupt = (code: number): void => {
    exitCode ??= code;
    if (stop.signal.aborted) {
      abort.abort();
    } else {
      stop.abort();
      onFirst();
    }
  };
  const onInterrupt = (): void => interrupt(exitCodes.interrupted);
  const onTerminate = (): void => interrupt(exitCodes.terminated);
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onTerminate);
  return {
    stop: stop.signal,
    abort: abort.signal,
    endNow() {
      stop.abort();
      abort.abort();
    },
    exitCode: () => exitCode,
    close() {
      process.off('SIGINT', onInterrupt);
      process.off('SIGTERM', onTerminate);
    },
  };
}
