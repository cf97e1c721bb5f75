import { onTestFinished } from 'vitest';
import { type AnswerTools, answerRequest } from '../../../src/backends/ollama/answer/answer-request.ts';
import { type OllamaClient, createClient } from '../../../src/backends/ollama/http/client.ts';
import { createCutCheck } from '../../../src/backends/http/cut-check.ts';
import { ollamaHost } from '../../../src/backends/ollama/http/host.ts';
import type { LoadedModel } from '../../../src/backends/ollama/model/loaded-model.ts';
import { modelFacts } from '../../../src/backends/ollama/model/model-facts.ts';
import type { ShownModel } from '../../../src/backends/ollama/http/wire.ts';
import { ollamaBackend } from '../../../src/backends/ollama/index.ts';
import type { Backend, GenerateContext, OpenRequest } from '../../../src/core/backend.ts';
import type { Answer } from '../../../src/core/completion.ts';
import type { BatchRequest } from '../../../src/core/request.ts';
import { type FakeOllama, type FakeOllamaOptions, startFakeOllama } from '../../helpers/fake-ollama-server.ts';
import { openRequest } from '../../helpers/open-request.ts';
import { context } from '../conformance.ts';
import { shownTinyScorer } from './scripted-server.ts';

/** The fake Ollama, closed when the test has finished. */
export async function startFake(options: FakeOllamaOptions = {}): Promise<FakeOllama> {
  const server = await startFakeOllama(options);
  onTestFinished(() => server.close());
  return server;
}

/** A backend on a server, closed when the test has finished. Without a probe and with a small window, where nothing else is said. */
export async function openOn({ url }: { url: string }, changes: Partial<OpenRequest> = {}): Promise<Backend> {
  const options = { num_ctx: 1024, slots: 1 };
  const backend = await ollamaBackend.open(
    openRequest('tiny-scorer', { connection: { host: url }, options, ...changes }),
  );
  onTestFinished(() => backend.close());
  return backend;
}

export function clientOf({ url }: { url: string }): OllamaClient {
  const client = createClient(ollamaHost({ connection: { host: url }, environment: {} }), 64);
  onTestFinished(() => client.close());
  return client;
}

export const tinyScorerFacts = modelFacts(JSON.parse(shownTinyScorer) as ShownModel);

/** A model as it is after it was loaded, without loading it. */
export const loadedOn = (server: { url: string }, changes: Partial<LoadedModel> = {}): LoadedModel => ({
  client: clientOf(server),
  name: 'tiny-scorer',
  facts: tinyScorerFacts,
  runner: { num_ctx: 1024 },
  keepAlive: -1,
  answerTokens: 512,
  ...changes,
});

/** A promise, and the function that keeps it. */
export function promised(): { promise: Promise<void>; keep: () => void } {
  let keep = (): void => {};
  const promise = new Promise<void>((resolve) => {
    keep = resolve;
  });
  return { promise, keep };
}

export const never: AbortSignal = new AbortController().signal;

/** What a promise rejects with. */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error('it did not reject');
    },
    (error: unknown) => error,
  );
}

/** Asks one request, without opening a backend. */
export function answer(
  loaded: LoadedModel,
  request: BatchRequest,
  { tools = {}, ...changes }: Partial<GenerateContext> & { tools?: Partial<AnswerTools> } = {},
): Promise<Answer> {
  const all: AnswerTools = {
    allowRepetition: false,
    allowControlTokens: false,
    cutCheck: createCutCheck(loaded.runner.num_ctx, false),
    reloads: { note: () => {}, excuse: () => {} },
    watchModel: () => {},
    ...tools,
  };
  return answerRequest(loaded, all, [request, context(changes)]);
}
