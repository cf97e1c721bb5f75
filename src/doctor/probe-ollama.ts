import { classifyError } from '../backends/ollama/http/classify-error.ts';
import type { OllamaClient } from '../backends/ollama/http/client.ts';
import { type FoundModel, findModel } from '../backends/ollama/model/find-model.ts';
import { maxProbedSlots } from '../backends/ollama/model/find-slots.ts';
import { isEmbeddingModel, loadModel } from '../backends/ollama/model/load-model.ts';
import { type OllamaOptions, runnerOptions } from '../backends/ollama/options.ts';
import { probeSlots } from '../backends/ollama/model/probe-slots.ts';
import { EngineError } from '../core/errors.ts';
import { formatBytes } from '../text/format.ts';
import { type OllamaModel, findNamed } from './ollama-models.ts';

/** How many requests a server works on at once, as a model of it showed. */
export interface SlotProbe {
  model: string;
  /** Null where the probe failed. */
  slots: number | null;
  /** Equal to `slots`: there may be more. */
  width: number;
  /** What a few short requests showed, or what the server's own rule for the model's architecture is. */
  foundBy: 'probe' | 'architecture';
  /** Of the probe alone, and of the loading before it; null where nothing was measured. */
  probeMs: number | null;
  loadMs: number | null;
  /** Values of a key in each attention head of the model. */
  keyLength: number | null;
  failure: { kind: string; text: string; hint: string | null } | null;
}

export interface ProbeRequest {
  /** `-m`; null: the loaded one, else the smallest that chats. */
  model: string | null;
  /** `--option`, checked. */
  options: OllamaOptions & { isKeepAliveGiven: boolean };
  onNotice: (text: string) => void;
}

/** Where nothing is loaded; a window that any card has room for. */
const probeTokens = 4096;
const lookMs = 20_000;
const maxLoadMs = 600_000;
const maxProbeMs = 120_000;

/** Loads a model where none is loaded, and leaves it as the server would: for five minutes, unless told otherwise. */
export async function probeOllama(
  client: OllamaClient,
  models: readonly OllamaModel[],
  request: ProbeRequest,
): Promise<SlotProbe | null> {
  const picked = await pickModel(client, models, request.model);
  if (picked === null) return null;
  const { name, found, model, failure } = picked;
  const keyLength = found?.facts.keyLength ?? null;
  const nothing = { model: name, slots: null, width: maxProbedSlots, probeMs: null, loadMs: null, keyLength, failure };
  if (found === null) return { ...nothing, foundBy: 'probe' };
  if (model?.hasOneSlot === true) return { ...nothing, foundBy: 'architecture', slots: 1 };
  try {
    return { ...nothing, ...(await measure(client, { name, found, model }, request)), foundBy: 'probe' };
  } catch (error) {
    return { ...nothing, foundBy: 'probe', failure: failureOf(error) };
  }
}

interface Picked {
  name: string;
  /** Null where the server has no such model, or one that can't chat. */
  found: FoundModel | null;
  model: OllamaModel | null;
  failure: SlotProbe['failure'];
}

async function pickModel(
  client: OllamaClient,
  models: readonly OllamaModel[],
  asked: string | null,
): Promise<Picked | null> {
  if (asked !== null) {
    return lookAt(client, asked, findNamed(models, asked));
  }
  for (const model of chatModels(models)) {
    const picked = await lookAt(client, model.name, model);
    if (picked.failure?.kind !== onlyEmbeds) return picked;
  }
  return null;
}

const onlyEmbeds = 'bad-request';

async function lookAt(client: OllamaClient, name: string, model: OllamaModel | null): Promise<Picked> {
  try {
    const found = await findModel(client, name, AbortSignal.timeout(lookMs));
    if (!isEmbeddingModel(found)) return { name, found, model, failure: null };
    const text = `${name} only embeds: the server can't be probed with it`;
    return { name, found: null, model, failure: { kind: onlyEmbeds, text, hint: null } };
  } catch (error) {
    return { name, found: null, model, failure: failureOf(error) };
  }
}

/** The loaded ones first, then the smallest. */
const chatModels = (models: readonly OllamaModel[]): OllamaModel[] =>
  models
    .filter(({ isRemote, capabilities }) => !isRemote && (capabilities?.includes('completion') ?? true))
    .toSorted(
      (left, right) =>
        Number(right.loaded !== null) - Number(left.loaded !== null) || left.weightsBytes - right.weightsBytes,
    );

/** With the loaded model's own window, so that nothing is loaded anew. */
async function measure(
  client: OllamaClient,
  { name, found, model }: Pick<Picked, 'name' | 'model'> & { found: FoundModel },
  { options, onNotice }: ProbeRequest,
): Promise<Pick<SlotProbe, 'slots' | 'probeMs' | 'loadMs'>> {
  const isLoaded = model?.loaded != null;
  const usual = model?.loaded?.contextTokens ?? Math.min(probeTokens, found.facts.trainedTokens ?? Infinity);
  const loaded = {
    client,
    name,
    facts: found.facts,
    runner: runnerOptions(options, options.num_ctx ?? usual),
    keepAlive: options.isKeepAliveGiven ? options.keep_alive : null,
  };
  if (!isLoaded) onNotice(`ollama: loading ${name} (${formatBytes(found.weightsBytes)}) to probe the server with it`);
  const loadMs = await loadModel(loaded, AbortSignal.timeout(maxLoadMs));
  onNotice(
    `ollama: finding out how many requests it works on at once, with ${maxProbedSlots} short ones to ${name} (--no-probe leaves it out)`,
  );
  const startedAt = performance.now();
  const slots = await probeSlots(loaded, maxProbedSlots, AbortSignal.timeout(maxProbeMs));
  return { slots, probeMs: performance.now() - startedAt, loadMs: isLoaded ? null : loadMs };
}

function failureOf(error: unknown): SlotProbe['failure'] {
  if (error instanceof EngineError) return { kind: error.kind, text: oneLine(error.message), hint: error.hint ?? null };
  if (error instanceof Error && error.name === 'TimeoutError') {
    const hint = 'Try again when the server has nothing else to do.';
    return { kind: 'timeout', text: 'the server took too long, and was given up', hint };
  }
  const { kind, message } = classifyError(error);
  return { kind, text: oneLine(message), hint: null };
}

const oneLine = (text: string): string => text.replaceAll(/\s*\n\s*/g, '; ');
