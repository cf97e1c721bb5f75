import type { OpenRequest } from '../../../core/backend.ts';
import type { BatchRequest } from '../../../core/request.ts';
import { type ContextChoice, type ContextFacts, chooseContext, estimateTokens } from './choose-context.ts';
import type { OllamaClient } from '../http/client.ts';
import { countPrompt } from '../answer/count-prompt.ts';
import type { FoundModel } from '../model/find-model.ts';
import { loadModel } from '../model/load-model.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import { wakeModel } from './wake-model.ts';
import { type OllamaOptions, runnerOptions } from '../options.ts';

export interface PreparedModel {
  loaded: LoadedModel;
  loadMs: number;
  choice: ContextChoice;
}

/**
 * Loads the model with a context window that fits the input, before the first request. The window is chosen by an
 * estimate that is rather too high; counted by the server on the longest lines, another one is taken only where the
 * first is too small, or more than twice as large as needed, since that loads the model again.
 */
export async function prepareModel(
  { client, found, options }: { client: OllamaClient; found: FoundModel; options: OllamaOptions },
  request: OpenRequest,
): Promise<PreparedModel> {
  const facts = await contextFacts(request, found, options);
  const withWindow = (choice: ContextChoice): LoadedModel => ({
    client,
    name: request.model,
    facts: found.facts,
    runner: runnerOptions(options, choice.contextTokens),
    keepAlive: options.keep_alive,
    answerTokens: choice.answerTokens,
  });
  const estimated = await chooseContext({ ...facts, count: async (asked) => estimateTokens(asked) });
  const first = withWindow(estimated);
  const loadMs = await loadModel(first, request.signal, request.onNotice);
  await wakeModel(first, request);
  const counted = await chooseContext({ ...facts, count: createCounter(first, request.signal) });
  const isTooSmall = counted.contextTokens > estimated.contextTokens;
  const isWasteful = counted.contextTokens * 2 < estimated.contextTokens;
  if (!isTooSmall && !isWasteful) {
    const { contextTokens } = estimated;
    const answerTokens = counted.answerTokens + contextTokens - counted.contextTokens;
    const choice = { ...counted, contextTokens, answerTokens };
    return { loaded: withWindow(choice), loadMs, choice };
  }
  const loaded = withWindow(counted);
  return { loaded, loadMs: loadMs + (await loadModel(loaded, request.signal, request.onNotice)), choice: counted };
}

/** Says whether the context window of a loaded model is enough for another input too. */
export async function suitsInput(loaded: LoadedModel, request: OpenRequest, options: OllamaOptions): Promise<boolean> {
  const facts = await contextFacts(request, loaded, options);
  const { contextTokens } = await chooseContext({ ...facts, count: createCounter(loaded, request.signal) });
  return contextTokens <= loaded.runner.num_ctx;
}

async function contextFacts(
  request: OpenRequest,
  { facts }: Pick<FoundModel, 'facts'>,
  options: OllamaOptions,
): Promise<Omit<ContextFacts, 'count'>> {
  return {
    asked: options.num_ctx ?? null,
    conversationTokens: request.conversationTokens,
    trainedTokens: facts.trainedTokens,
    lengths: await request.promptLengths(),
  };
}

/** Counts the tokens of prompts; each request is counted once. */
function createCounter(loaded: LoadedModel, signal: AbortSignal): ContextFacts['count'] {
  const counts = new Map<string, Promise<number | null>>();
  return (request: BatchRequest) => {
    const known = counts.get(request.id) ?? countPrompt(loaded, request, signal);
    counts.set(request.id, known);
    return known;
  };
}
