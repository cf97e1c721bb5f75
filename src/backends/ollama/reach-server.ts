import { EngineError } from '../../core/errors.ts';
import { type Waiting, waitForServer } from '../server/wait-for-server.ts';
import { classifyError } from './classify-error.ts';
import type { OllamaClient } from './client.ts';

export interface Reached {
  version: string;
  /** How long it did not answer; null where it did at once. */
  awayMs: number | null;
}

/** Asks a server for its version until it answers. Throws an `EngineError` when it does not, or is none. */
export async function reachServer(client: OllamaClient, waiting: Waiting): Promise<Reached> {
  const { url } = client.host;
  const startHint = 'Start it with: ollama serve.';
  const { found, awayMs } = await waitForServer(
    {
      name: 'Ollama server',
      url,
      startHint,
      whereHint,
      async ask(signal) {
        try {
          return { found: await client.version(signal) };
        } catch (error) {
          signal.throwIfAborted();
          const failed = classifyError(error);
          if (failed.kind === 'invalid-response') throw notOllama(url);
          return failed;
        }
      },
    },
    waiting,
  );
  return { version: found, awayMs };
}

const whereHint = 'Another place is named with --host or OLLAMA_HOST.';

const notOllama = (url: string): EngineError =>
  new EngineError('unusable', `what answers at ${url} is no Ollama server`, whereHint);
