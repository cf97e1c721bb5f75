import { EngineError } from '../../../core/errors.ts';
import { formatBytes, formatDuration } from '../../../text/format.ts';
import { classifyError } from '../http/classify-error.ts';
import type { OllamaClient } from '../http/client.ts';
import { type FoundModel, findModel } from '../model/find-model.ts';
import { maxProbedSlots } from '../model/find-slots.ts';
import { isEmbeddingModel, loadModel } from '../model/load-model.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import { probeSlots } from '../model/probe-slots.ts';
import { type OllamaOptions, runnerOptions } from '../options.ts';
import { findLocalRunner } from '../server-process.ts';
import { type InstalledModel, findNamed } from './installed-models.ts';

/** How many requests a server works on at once, as a model of it showed. */
export interface SlotProbe {
  model: string;
  /** Requests that the server works on at once; null where the probe failed. */
  slots: number | null;
  /** Requests that the probe sent at once: where `slots` is the same, there may be more. */
  width: number;
  /**
   * probe: a few short requests showed it. architecture: the server has a rule for models of this kind. process: it stands on
   * the command line of the process that has the model loaded.
   */
  foundBy: 'probe' | 'architecture' | 'process';
  /** Time that the probe took without loading, in milliseconds; null where nothing was measured. */
  probeMs: number | null;
  /** Time that loading the model took, in milliseconds; null where it was loaded before. */
  loadMs: number | null;
  /** Values of a key in each attention head of the model. */
  keyLength: number | null;
  /** Why the probe failed; null where it did not. */
  failure: { kind: string; text: string; hint: string | null } | null;
}

/** What a server is probed with. */
export interface ProbeRequest {
  /** `-m`: the model; null: the loaded one, else the smallest that chats. */
  model: string | null;
  /** The `--option` values, checked. */
  options: OllamaOptions & { isKeepAliveGiven: boolean };
  onNotice: (text: string) => void;
}

/** Context window of the probe where nothing is loaded: one that any GPU has room for. */
const probeTokens = 4096;
const lookMs = 20_000;
const maxLoadMs = 600_000;
const maxProbeMs = 60_000;
const tellEveryMs = 10_000;

/**
 * Finds out how many requests the server works on at once; null where it has no model to probe with. A model is loaded where
 * none is, and stays loaded as long as the server keeps it: five minutes, unless it was told otherwise.
 */
export async function probeServer(
  client: OllamaClient,
  models: readonly InstalledModel[],
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
    return { ...nothing, ...(await measure(client, { name, found, model }, request)) };
  } catch (error) {
    return { ...nothing, foundBy: 'probe', failure: failureOf(error) };
  }
}

interface Picked {
  name: string;
  /** The model as the server describes it; null where it has no such model, or one that can't chat. */
  found: FoundModel | null;
  model: InstalledModel | null;
  failure: SlotProbe['failure'];
}

async function pickModel(
  client: OllamaClient,
  models: readonly InstalledModel[],
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

async function lookAt(client: OllamaClient, name: string, model: InstalledModel | null): Promise<Picked> {
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
const chatModels = (models: readonly InstalledModel[]): InstalledModel[] =>
  models
    .filter(({ isRemote, capabilities }) => !isRemote && (capabilities?.includes('completion') ?? true))
    .toSorted(
      (left, right) =>
        Number(right.loaded !== null) - Number(left.loaded !== null) || left.weightsBytes - right.weightsBytes,
    );

/** Probes with the window that the model is loaded with, so that it is not loaded again. */
async function measure(
  client: OllamaClient,
  { name, found, model }: Pick<Picked, 'name' | 'model'> & { found: FoundModel },
  { options, onNotice }: ProbeRequest,
): Promise<Pick<SlotProbe, 'slots' | 'probeMs' | 'loadMs' | 'foundBy'>> {
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
  const tookMs = await loadModel(loaded, AbortSignal.timeout(maxLoadMs));
  const loadMs = isLoaded ? null : tookMs;
  return { loadMs, ...(await findProbedSlots(loaded, onNotice)) };
}

/** How many requests the server works on at once: by the command line of its process where that can be seen, else by a probe. */
async function findProbedSlots(
  loaded: Omit<LoadedModel, 'answerTokens'>,
  onNotice: ProbeRequest['onNotice'],
): Promise<Pick<SlotProbe, 'slots' | 'probeMs' | 'foundBy'>> {
  const runner = await findLocalRunner(loaded.client.host, loaded.facts.weightsFile);
  if (runner !== null && runner.slots !== null) return { slots: runner.slots, probeMs: null, foundBy: 'process' };
  onNotice(
    `ollama: finding out how many requests it works on at once, with ${maxProbedSlots} short ones to ${loaded.name} (--no-probe leaves it out)`,
  );
  const startedAt = performance.now();
  const waiting = setInterval(() => onNotice(stillProbing(performance.now() - startedAt)), tellEveryMs);
  try {
    const slots = await probeSlots(loaded, maxProbedSlots, AbortSignal.timeout(maxProbeMs));
    return { slots, probeMs: performance.now() - startedAt, foundBy: 'probe' };
  } finally {
    clearInterval(waiting);
  }
}

const stillProbing = (ms: number): string =>
  `ollama: still finding out, ${formatDuration(ms)}; it is given up after ${formatDuration(maxProbeMs)}. On few cores it is quicker with --option num_thread=1`;

function failureOf(error: unknown): SlotProbe['failure'] {
  if (error instanceof EngineError)
    return { kind: error.kind, text: joinLines(error.message), hint: error.hint ?? null };
  if (error instanceof Error && error.name === 'TimeoutError') {
    const hint =
      'Try again when the server has nothing else to do, on few cores with --option num_thread=1, or leave the test out: --no-probe.';
    return { kind: 'timeout', text: 'the server took too long, so the test was stopped', hint };
  }
  const { kind, message } = classifyError(error);
  return { kind, text: joinLines(message), hint: null };
}

/** Lines as one sentence. What could steer a terminal is taken out where the text is shown. */
const joinLines = (text: string): string => text.replaceAll(/\s*\n\s*/g, '; ');
