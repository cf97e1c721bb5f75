const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs work that loses nothing when it is ended: at a signal the process ends at once, after it has removed what it
 * made so far.
 */
export async function endOnSignals<Result>(
  cleanUp: () => Promise<void> | void,
  use: () => Promise<Result>,
): Promise<Result> {
  const handlers = signals.map((signal) => {
    const end = async (): Promise<void> => {
      try {
        await cleanUp();
      } finally {
        // The handler is gone by now: the signal does what it does by itself.
        process.kill(process.pid, signal);
      }
    };
    const onSignal = (): void => void end();
    process.once(signal, onSignal);
    return [signal, onSignal] as const;
  });
  try {
    return await use();
  } finally {
    for (const [signal, onSignal] of handlers) process.off(signal, onSignal);
  }
}
