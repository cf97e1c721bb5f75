import type { Backend, BackendLimits, OpenRequest } from '../../core/backend.ts';
import { keyVariable } from '../../core/connection.ts';
import { formatInteger } from '../../text/format.ts';
import { checkChats } from '../request/check-chats.ts';
import { openKeyWarning } from '../http/bearer-key.ts';
import { createModelWatch } from '../http/model-watch.ts';
import { outageWait, startWaitMs } from '../http/wait-for-server.ts';
import { createAddressCheck } from './http/address-check.ts';
import { type AnswerTools, answerRequest } from './answer/answer-request.ts';
import { type ServerPlace, openaiPlace } from './http/base-url.ts';
import { type OpenaiClient, createClient } from './http/client.ts';
import { createTokenCheck } from './answer/control-tokens.ts';
import { findAgain, findModel } from './server/find-model.ts';
import { liveKeys } from './answer/live-counts.ts';
import { createOllamaCheck, trustingCheck } from './answer/ollama-cuts.ts';
import { openaiOptionsSchema } from './options.ts';
import { lookAtServer } from './server/look-at-server.ts';
import { createPreparation } from './answer/prepare-body.ts';
import { reachServer } from './server/reach-server.ts';
import { type ServerFacts, serverFacts } from './server/server-facts.ts';
import { askCacheCounters } from './server/cache-counters.ts';
import { explainCache } from './server/explain-cache.ts';
import { askLoad } from './server/server-load.ts';
import { createServerTokenizer } from './server/server-tokenizer.ts';
import { createThinking } from './answer/thinking-keys.ts';
import { createStreamChoice } from './answer/stream-choice.ts';

/** What is tried where nobody knows what a server can hold, and where it is known to queue what it can't. */
const carefully = { start: 8, max: 256 };
const boldly = { start: 32, max: 512 };

export async function openOpenai(request: OpenRequest): Promise<Backend> {
  const place = openaiPlace(request);
  const client = createClient(place, request.workers ?? boldly.max);
  try {
    return await openOn(client, request);
  } catch (error) {
    await client.close();
    request.signal.throwIfAborted();
    throw error;
  }
}

async function openOn(client: OpenaiClient, request: OpenRequest): Promise<Backend> {
  const { model, signal, onNotice } = request;
  const { url, isLocal } = client.place;
  const { stream } = (await openaiOptionsSchema()).parse(request.options);
  const { found: list } = await reachServer(client, { signal, onNotice, maxMs: startWaitMs });
  const listed = findModel(list, model, url);
  const facts = await serverFacts(client, list, signal);
  const contextTokens = facts.contextTokens ?? listed?.contextTokens ?? null;
  onNotice(describe({ place: client.place, facts, contextTokens }, model), 'detail');
  for (const warning of warningsOf(request, client.place, facts)) onNotice(warning);
  const tokenize = createServerTokenizer(client, { model, isKnown: facts.continues !== 'unknown' });
  const tellThinking = createThinking(client, facts, model);
  await checkChats(request, ({ body }) => tellThinking(body, signal));
  const tools: AnswerTools = {
    client,
    // A limit for each answer counts from its first sign of life, at the latest.
    streams: createStreamChoice(stream === 'auto' && request.timeoutMs !== null ? true : stream),
    liveKeys: liveKeys(facts),
    contextTokens,
    allowRepetition: request.allowRepetition,
    isRightAddress: createAddressCheck(client, list !== null),
    answered: new Set(),
    watchModel: createModelWatch(onNotice),
    checkPrompt: facts.kind === 'ollama' ? createOllamaCheck(client, model) : trustingCheck,
    prepare: createPreparation(facts, {
      tokenize,
      tellThinking,
      checkTokens: request.allowControlTokens ? null : createTokenCheck(facts.template, tokenize),
    }),
  };
  return {
    info: { model, modelDigest: null, version: facts.version, loadMs: null, server: url, usesLocalGpus: isLocal },
    limits: { ...limitsOf(facts, request), contextTokens },
    generate: (asked, context) => answerRequest(tools, asked, context),
    supervision: {
      async recover(_failure, stop) {
        const { found, awayMs, wasGone } = await reachServer(client, { ...outageWait, signal: stop });
        findAgain(found, listed, model, url);
        if (wasGone) return 'gone';
        return awayMs === null ? 'here' : 'away';
      },
      look: (stop) => lookAtServer(client, stop),
    },
    inspection: {
      load: (stop) => askLoad(client, list?.kind ?? null, stop),
      cacheCounters: () => askCacheCounters(client, list?.kind ?? null),
      explainCache: (seen) => explainCache(client, facts, seen),
    },
    close: client.close,
  };
}

function limitsOf({ slots, queues }: ServerFacts, { workers }: OpenRequest): Omit<BackendLimits, 'contextTokens'> {
  const finds = findsOf(slots, queues);
  return {
    slots,
    suggestedWorkers: finds.start,
    finds: workers === null ? finds : { start: workers, max: workers },
  };
}

/** One more than there are slots, so that none is idle between two answers. */
function findsOf(slots: number | null, queues: boolean): { start: number; max: number } {
  if (slots !== null) return { start: slots + 1, max: slots + 1 };
  return queues ? boldly : carefully;
}

interface ServerDescription {
  place: ServerPlace;
  facts: ServerFacts;
  contextTokens: number | null;
}

function describe({ place: { url }, facts, contextTokens }: ServerDescription, model: string): string {
  const window = contextTokens === null ? '' : `, context window of ${formatInteger(contextTokens)} tokens`;
  const slots = facts.slots === null ? '' : `, ${formatInteger(facts.slots)} slots`;
  return `openai: ${facts.version} at ${url}: ${model}${slots}${window}`;
}

function warningsOf({ connection }: OpenRequest, place: ServerPlace, { kind }: ServerFacts): string[] {
  const openKey = openKeyWarning(keyVariable(connection, 'OPENAI_API_KEY'), place);
  return [...(openKey === null ? [] : [openKey]), ...(kind === 'ollama' ? [ollamaWarning] : [])];
}

const ollamaWarning =
  'warning: this is an Ollama server: its /v1 has a context window that no flag sets, and cuts a longer prompt in silence (known by its count, it becomes a failed line); -b ollama has neither fault';
