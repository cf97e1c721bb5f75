/**
 * Finds the process that holds the model: it changes with each load, and is null while there is none or it can't be
 * seen.
 */
export interface RunnerProcess {
  pid: () => number | null;
  look: () => Promise<void>;
}

/** `find` is asked again when the process that it found has ended. */
export function createRunnerProcess(find: () => Promise<number | null>): RunnerProcess {
  const state = { pid: null as number | null, wasSeen: false, looking: null as Promise<void> | null };
  const look = async (): Promise<void> => {
    state.pid = await find().catch(() => null);
    state.wasSeen ||= state.pid !== null;
    state.looking = null;
  };
  const lookOnce = (): Promise<void> => (state.looking ??= look());
  return {
    look: lookOnce,
    pid() {
      if (state.pid !== null && !isAlive(state.pid)) state.pid = null;
      if (state.pid === null && state.wasSeen) void lookOnce();
      return state.pid;
    },
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It is another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
