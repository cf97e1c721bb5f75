import type { OllamaClient } from '../http/client.ts';
import type { ModelFacts } from './model-facts.ts';
import type { RunnerOptions, WireRequest } from '../http/wire.ts';

/** A model on a server, with all that its requests have in common. */
export interface LoadedModel {
  client: OllamaClient;
  name: string;
  facts: ModelFacts;
  /** Frozen: another value in any request would load the model anew. */
  runner: RunnerOptions;
  /** `keep_alive` of the requests; null leaves it as it is for the loaded model, else to the server. */
  keepAlive: number | string | null;
  /** Longest answer of a request that names none: what the longest prompt leaves of the context window. */
  answerTokens: number;
}

/** A request of this model; `options` are its own, beside the runner's. */
export function wireRequest(
  { name, runner, keepAlive }: Pick<LoadedModel, 'name' | 'runner' | 'keepAlive'>,
  options: Record<string, unknown> = {},
): WireRequest {
  const kept = keepAlive === null ? {} : { keep_alive: keepAlive };
  return { model: name, ...kept, truncate: false, options: { ...options, ...runner } };
}
