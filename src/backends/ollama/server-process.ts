import { type ServerProcess, findChild, findServer } from '../../machine/listening-process.ts';
import { isRunning } from '../../machine/proc.ts';
import type { OllamaHost } from './http/host.ts';

/** The process of an Ollama server on this machine, with its environment; null where it is elsewhere, or can't be seen. */
export const findLocalServer = async ({ url, isLocal }: Pick<OllamaHost, 'url' | 'isLocal'>) =>
  isLocal ? findServer(portOf(url), /^ollama/) : null;

/** The process that has a local server's model loaded, which is its child; null while there is none, or it can't be seen. */
export async function findLocalRunner(host: Pick<OllamaHost, 'url' | 'isLocal'>): Promise<number | null> {
  const server: ServerProcess | null = await findLocalServer(host);
  return server === null ? null : findChild(server.pid, /^(llama-server|ollama)/);
}

/** The port that a URL names, or that its scheme stands for. */
export function portOf(url: string): number {
  const { port, protocol } = new URL(url);
  return Number(port || (protocol === 'https:' ? 443 : 80));
}

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
      if (state.pid !== null && !isRunning(state.pid)) state.pid = null;
      if (state.pid === null && state.wasSeen) void lookOnce();
      return state.pid;
    },
  };
}
