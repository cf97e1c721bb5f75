import type { Backend, OpenRequest, Served, Supervision } from '../../../core/backend.ts';
import { type BackendAddress, givenText } from '../../../core/connection.ts';
import { EngineError, LlmbatchError } from '../../../core/errors.ts';
import { DeadlineError, withDeadline } from '../../../async/abort.ts';
import { formatBytes, formatDuration } from '../../../text/format.ts';
import { nearModel } from '../../../text/near-model.ts';
import { type AnswerTools, answerRequest } from '../answer/answer-request.ts';
import { classifyError } from '../http/classify-error.ts';
import { type OllamaClient, createClient } from '../http/client.ts';
import { countPrompt } from '../answer/count-prompt.ts';
import { createModelWatch } from '../../http/model-watch.ts';
import { type Waiting, outageWait, startWaitMs } from '../../http/wait-for-server.ts';
import { createCutCheck } from '../../http/cut-check.ts';
import { describeModel, modelMemory } from './describe-model.ts';
import { unheldByServer } from '../answer/held-keywords.ts';
import { checkChats } from '../../request/check-chats.ts';
import { checkThinking } from '../answer/check-thinking.ts';
import { type FoundModel, findModel } from '../model/find-model.ts';
import { findSlots, slotLimits, maxProbedSlots } from '../model/find-slots.ts';
import { ollamaHost } from '../http/host.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import { ollamaOptionsSchema } from '../options.ts';
import { explainCache } from './explain-cache.ts';
import { prepareModel, suitsInput } from './prepare-model.ts';
import { HttpFailure } from '../http/http.ts';
import { lookAtServer, reachServer, recoverServer } from './reach-server.ts';
import { createReloadWatch } from '../model/reload-watch.ts';
import { createModelRestart, freeModel } from '../model/restart-model.ts';
import { type RunnerProcess, createRunnerProcess, findLocalRunner, findLocalServer } from '../server-process.ts';
import { cutsPrompts } from '../http/versions.ts';

const lookMs = 1500;

/** True where there is a server that has the model; else why not. */
export async function servesModel(model: string, address: BackendAddress): Promise<Served> {
  const client = createClient(ollamaHost(address), 1);
  const { url } = client.host;
  try {
    await withDeadline(new AbortController().signal, lookMs, (signal) => client.show(model, signal));
    return true;
  } catch (error) {
    if (error instanceof DeadlineError)
      return {
        away: `answers too slowly at ${url} (nothing within ${formatDuration(lookMs)}): -b ollama waits longer`,
      };
    if (!(error instanceof HttpFailure) || classifyError(error).kind !== 'model-not-found')
      return { away: `has no server at ${url}` };
    const installed = await client.tags(AbortSignal.timeout(lookMs)).catch(() => []);
    const near = nearModel(
      model,
      installed.map(({ name }) => name.replace(/:latest$/, '')),
    );
    return `does not have it at ${url} (${near === null ? `get it: ollama pull ${model}` : `near is: -m ${near}`})`;
  } finally {
    await client.close();
  }
}

export async function openOllama(request: OpenRequest): Promise<Backend> {
  const client = createClient(ollamaHost(request), maxInFlight(request));
  try {
    return await openOn(client, request);
  } catch (error) {
    await client.close();
    request.signal.throwIfAborted();
    if (error instanceof LlmbatchError) throw error;
    const { kind, message } = classifyError(error);
    throw new EngineError(kind, message);
  }
}

/** `--workers`; else one more than there are slots, told or probed. */
const maxInFlight = ({ workers, options }: OpenRequest): number =>
  Math.max(workers ?? 0, Number(options['slots'] ?? maxProbedSlots) + 1);

/**
 * A server that the user named may be starting; where he named none, it is only one that might be there, but one that takes the
 * connection is there.
 */
const waitOf = ({ connection, environment }: OpenRequest): Pick<Waiting, 'maxMs' | 'maxSlowMs'> => ({
  maxMs: (givenText(connection, 'host') ?? environment['OLLAMA_HOST']) ? startWaitMs : lookMs,
  maxSlowMs: startWaitMs,
});

async function openOn(client: OllamaClient, request: OpenRequest): Promise<Backend> {
  const { model, signal, onNotice } = request;
  const options = (await ollamaOptionsSchema()).parse(request.options);
  const { found: version } = await reachServer(client, { signal, onNotice, ...waitOf(request) });
  const found = await findModel(client, model, signal);
  await checkChats(request, ({ body }) => {
    checkThinking(body, found.facts);
  });
  onNotice(`ollama ${version} at ${client.host.url}: loading ${model}${sizeOf(found.weightsBytes)}`, 'detail');
  request.onStep?.(`loading ${model}${sizeOf(found.weightsBytes)}`);
  const prepared = await prepareModel({ client, found, options }, request);
  const { loaded, loadMs } = prepared;
  const runner = runnerOf(client, found);
  const slots = await findSlots(loaded, options, request);
  const server = await findLocalServer(client.host);
  const [choice = '', ...warnings] = await describeModel({ ...found, prepared, version, slots, server }, request);
  onNotice(choice, 'detail');
  for (const warning of warnings) onNotice(warning);
  const tools = createTools(loaded, version, request);
  const closing = new AbortController();
  const { restart, ready } = createModelRestart(loaded, AbortSignal.any([signal, closing.signal]));
  if (server !== null) await runner.look();
  return {
    info: {
      model,
      modelDigest: found.digest,
      version: `ollama ${version}`,
      loadMs,
      server: client.host.url,
      usesLocalGpus: client.host.isLocal,
      unheldKeywords: unheldByServer,
    },
    limits: slotLimits(loaded, slots),
    generate: async (asked, context) =>
      ready(context.signal)
        .then(() => answerRequest(loaded, tools, [asked, context]))
        .then(client.redact.inValue),
    supervision: supervisionOf({ loaded, runner, reloads: tools.reloads, restart }, request),
    inspection: {
      countPrompt: (asked, stop) => countPrompt(loaded, asked, stop),
      explainCache: async () => explainCache(loaded.facts, version, server),
      memory: () => modelMemory(loaded, { ...found, signal }),
    },
    canServe: async (other) => other.model === model && (await suitsInput(loaded, other, options)),
    async close() {
      closing.abort();
      await closeModel(loaded, request.unload);
    },
  };
}

interface Supervised {
  loaded: LoadedModel;
  runner: RunnerProcess;
  reloads: AnswerTools['reloads'];
  restart: () => Promise<void>;
}

const supervisionOf = ({ loaded, runner, reloads, restart }: Supervised, { onRestart }: OpenRequest): Supervision => ({
  pid: runner.pid,
  restart() {
    reloads.excuse();
    onRestart('The Ollama server does not answer: the model is loaded again.');
    return restart();
  },
  async recover(failure, stop) {
    reloads.excuse();
    const absence = await recoverServer(loaded, failure, { ...outageWait, signal: stop });
    return runner.look().then(() => absence);
  },
  look: (stop) => lookAtServer(loaded.client, stop),
});

const runnerOf = ({ host }: OllamaClient, { facts }: FoundModel): RunnerProcess =>
  createRunnerProcess(async () => (await findLocalRunner(host, facts.weightsFile))?.pid ?? null);

const sizeOf = (bytes: number | null): string => (bytes === null ? '' : ` (${formatBytes(bytes)})`);

const createTools = (loaded: LoadedModel, version: string, request: OpenRequest): AnswerTools => ({
  allowControlTokens: request.allowControlTokens,
  allowRepetition: request.allowRepetition,
  cutCheck: createCutCheck(loaded.runner.num_ctx, cutsPrompts(version)),
  reloads: createReloadWatch(loaded, request),
  watchModel: createModelWatch(request.onNotice),
});

/** The model stays loaded, as `keep_alive` has it, unless it is to be freed. */
async function closeModel(loaded: LoadedModel, unload: boolean): Promise<void> {
  if (unload) await freeModel(loaded, new AbortController().signal);
  await loaded.client.close();
}
