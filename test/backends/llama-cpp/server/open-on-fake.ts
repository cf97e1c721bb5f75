import { fileURLToPath } from 'node:url';
import type { Backend, OpenRequest } from '../../../../src/core/backend.ts';
import { openTinyScorer } from '../../open-tiny-scorer.ts';

/** What a `fake-llama-server.mjs` does. */
export interface FakeServer {
  version?: string;
  /** Lines of --list-devices. */
  devices?: string[];
  refusedFlag?: string;
  /** It never says that it has loaded the model. */
  isLoading?: boolean;
  /** Number of the request at which it is killed. */
  diesAt?: number;
  /** It sends the pieces of an answer, and then nothing. */
  hangs?: boolean;
  /** Texts of an answer, each with the number of tokens so far. */
  pieces?: [string, number][];
  /** A line that it sends before them. */
  line?: string;
  /** Changes of the last event. */
  last?: Record<string, unknown>;
  status?: number;
  error?: unknown;
  /** File that is to get its flags and its variables. */
  flagsFile?: string;
}

export const fakeServer = fileURLToPath(new URL('fake-llama-server.mjs', import.meta.url));

/** Opens the bundled model on a fake server. Its variable is this process's: one at a time. */
export async function openOnFakeServer(does: FakeServer, changes: Partial<OpenRequest> = {}): Promise<Backend> {
  process.env['FAKE_SERVER'] = JSON.stringify(does);
  return openTinyScorer({ options: { gpu: 'off', server: fakeServer }, workers: 2, ...changes });
}
