import type { OllamaClient } from './client.ts';
import type { ModelFacts } from './model-facts.ts';
import type { RunnerOptions, WireRequest } from './wire.ts';

/** A model on a server, with all that its requests have in common. */
export interface LoadedModel {
  client: OllamaClient;
  name: string;
  facts: ModelFacts;
  /** Frozen: another value in any request would load the model anew. */
  runner: RunnerOptions;
  keepAlive: number | string;
  /** Longest answer of a request that names none: what the longest prompt leaves of the context window. */
  answerTokens: number;
}

/** A request of this model; `options` are its own, beside the runner's. */
export function wireRequest(
  { name, runner, keepAlive }: Pick<LoadedModel, 'name' | 'runner' | 'keepAlive'>,
  options: Record<string, unknown> = {},
): WireRequest {
  return { model: name, keep_alive: keepAlive, truncate: false, options: { ...options, ...runner } };
}
