import { type ServerProcess, findChild, findServer } from '../../machine/listening-process.ts';
import { isRunning } from '../../machine/proc.ts';
import type { OllamaHost } from './http/host.ts';

/** The process of an Ollama server on this machine, with its environment; null where it is elsewhere, or can't be seen. */
export const findLocalServer = async ({ url, isLocal }: Pick<OllamaHost, 'url' | 'isLocal'>) =>
  isLocal ? findServer(portOf(url), /^ollama/) : null;

/** The process that has a model loaded. */
export interface LocalRunner {
  pid: number;
  /** Requests that it works on at once, as its command line says; null where it does not. */
  slots: number | null;
}

/**
 * Finds the process in which a local server has a model loaded: its child with the file of the weights on its command line, since
 * a server may have several models loaded. Null while there is none, or it can't be seen or told from others.
 */
export async function findLocalRunner(
  host: Pick<OllamaHost, 'url' | 'isLocal'>,
  weightsFile: string | null,
): Promise<LocalRunner | null> {
  const server: ServerProcess | null = weightsFile === null ? null : await findLocalServer(host);
  if (server === null || weightsFile === null) return null;
  const child = await findChild(server.pid, { program: /^(llama-server|ollama)/, argument: weightsFile });
  return child && { pid: child.pid, slots: slotsIn(child.words) };
}

/** `-np 4` of llama-server; `--parallel 4` of the runner that Ollama had before 0.33. */
function slotsIn(words: readonly string[]): number | null {
  const slots = Number(words[words.findIndex((word) => word === '-np' || word === '--parallel') + 1]);
  return Number.isSafeInteger(slots) && slots > 0 ? slots : null;
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
