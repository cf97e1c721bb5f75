import { type Failure, failure } from '../../core/completion.ts';
import { EngineError, isTransient, stopsTheRun } from '../../core/errors.ts';
import { formatDuration } from '../../core/format.ts';
import { classifyError } from './classify-error.ts';
import type { OllamaClient } from './client.ts';
import { pause } from './pause.ts';

export interface Waiting {
  signal: AbortSignal;
  onNotice: (text: string) => void;
  /** How long a server that does not answer is waited for. */
  longestMs: number;
}

export interface Reached {
  version: string;
  /** How long it did not answer; null where it did at once. */
  awayMs: number | null;
}

const firstWaitMs = 250;
const longestWaitMs = 2000;
/** A server that takes the connection and says nothing for so long does not answer. */
const longestSilenceMs = 5000;

/** Asks a server for its version until it answers. Throws an `EngineError` when it does not, or is none. */
export async function reachServer(client: OllamaClient, { signal, onNotice, longestMs }: Waiting): Promise<Reached> {
  const startedAt = performance.now();
  const passedMs = (): number => performance.now() - startedAt;
  for (let waitMs = firstWaitMs, tries = 0; ; waitMs = Math.min(waitMs * 1.5, longestWaitMs), tries++) {
    const answer = await askVersion(client, signal, Math.min(longestSilenceMs, longestMs));
    if (typeof answer === 'string') {
      if (tries > 0) onNotice(`the Ollama server answers, after ${formatDuration(passedMs())}`);
      return { version: answer, awayMs: tries > 0 ? passedMs() : null };
    }
    if (passedMs() > longestMs) throw noServer(client.host.url, passedMs(), answer.message);
    if (tries === 0) {
      onNotice(`no Ollama server answers at ${client.host.url}: waiting for it, at most ${formatDuration(longestMs)}`);
    }
    await pause(waitMs, signal);
  }
}

/** The version, or why there is none yet. Throws an `EngineError` where there never will be. */
async function askVersion(client: OllamaClient, signal: AbortSignal, longestMs: number): Promise<string | Failure> {
  const late = AbortSignal.timeout(longestMs);
  try {
    return await client.version(AbortSignal.any([signal, late]));
  } catch (error) {
    signal.throwIfAborted();
    const failed = late.aborted ? silence : classifyError(error);
    if (failed.kind === 'invalid-response') throw notOllama(client.host.url);
    if (isTransient(failed.kind)) return failed;
    throw new EngineError(stopsTheRun(failed.kind) ? failed.kind : 'unusable', failed.message, whereHint);
  }
}

const silence = failure('connection', 'It takes the connection, and says nothing.');

const whereHint = 'Another place is named with --host or OLLAMA_HOST.';

const notOllama = (url: string): EngineError =>
  new EngineError('unusable', `what answers at ${url} is no Ollama server`, whereHint);

function noServer(url: string, waitedMs: number, last: string): EngineError {
  return new EngineError(
    'unusable',
    `no Ollama server answered at ${url} for ${formatDuration(waitedMs)} (${last})`,
    `Start it with: ollama serve. ${whereHint}`,
  );
}
