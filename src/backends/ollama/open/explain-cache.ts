import type { ServerProcess } from '../../../machine/listening-process.ts';
import { isBefore } from '../../../text/versions.ts';
import { isSwitchedOn } from '../../http/is-switched-on.ts';
import type { ModelFacts } from '../model/model-facts.ts';

/** Explains why little came from the prefix cache of an Ollama server; null where no cause is known. */
export function explainCache(
  { hasSlidingWindow }: Pick<ModelFacts, 'hasSlidingWindow'>,
  version: string,
  server: ServerProcess | null,
): string | null {
  if (isBefore(version, '0.30.0')) return null;
  const environment = server?.environment ?? {};
  if (hasSlidingWindow && !isSwitchedOn(environment['LLAMA_ARG_SWA_FULL']))
    return 'The model has a sliding window, and the server forgets the beginnings of prompts that lie outside it: set LLAMA_ARG_SWA_FULL=1 in the environment of the Ollama server, which keeps them (and takes more memory for the KV cache).';
  return 'Likely causes: another client of this server, or more different system prompts at a time than it has slots (OLLAMA_NUM_PARALLEL).';
}
