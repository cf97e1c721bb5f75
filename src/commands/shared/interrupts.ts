import { exitCodes } from '../../core/errors.ts';

/**
 * Ctrl-C, SIGTERM, and a terminal that is closed: what runs may end. Ctrl-C or SIGTERM again: everything ends now. A
 * terminal hangs up more than once, by itself and by its shell: that is one signal.
 */
export interface Interrupts {
  stop: AbortSignal;
  abort: AbortSignal;
  /** Ends the run without a signal: the reader of stdout is gone. */
  endNow: () => void;
  /** 129, 130 or 143 once a signal came, else null. */
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
  const onHangUp = (): void => {
    if (!stop.signal.aborted) interrupt(exitCodes.hungUp);
  };
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onTerminate);
  process.on('SIGHUP', onHangUp);
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
      process.off('SIGHUP', onHangUp);
    },
  };
}
