import type { OllamaClient } from '../http/client.ts';
import type { StoredModel } from '../http/wire.ts';
import { isNamed } from '../model/find-model.ts';
import { hasOneSlot, modelFacts } from '../model/model-facts.ts';

/** A model that an Ollama server has. Null: the server does not say, or was not asked. */
export interface InstalledModel {
  name: string;
  weightsBytes: number;
  family: string | null;
  /** Number of parameters as the server writes it: `4.3B`. */
  parameters: string | null;
  quantisation: string | null;
  capabilities: readonly string[] | null;
  /** Does it run elsewhere, in the cloud? */
  isRemote: boolean;
  /** Does the server work on one request at a time for it, no matter what its settings say? */
  hasOneSlot: boolean;
  /** Tokens of the longest context that it was trained on. */
  trainedTokens: number | null;
  /** How it is loaded; null for a model that is not. */
  loaded: LoadedState | null;
}

/** How a model is loaded. */
export interface LoadedState {
  /** Context window of each slot, in tokens. */
  contextTokens: number | null;
  /** Bytes of weights, KV cache and buffers. */
  bytes: number;
  /** The part of those bytes that lies in GPU memory. */
  vramBytes: number;
  /** Bytes of KV cache that a token takes at most. */
  kvBytesPerToken: number | null;
  /** Do some layers keep only the last tokens? Then the cache is smaller than its tokens suggest. */
  hasSlidingWindow: boolean;
}

/** Lists the models that are installed. Only for the loaded ones `/api/show` is asked too, which is megabytes for each. */
export async function listModels(client: OllamaClient, signal: AbortSignal): Promise<InstalledModel[]> {
  const loaded = await client.ps(signal);
  const installed = (await client.tags(signal)).map(readListed);
  return Promise.all(
    installed.map(async (model) => {
      const state = loaded.find((one) => isNamed(one, model.name));
      if (state === undefined) return model;
      const memory = { bytes: state.size, vramBytes: state.size_vram, contextTokens: state.context_length ?? null };
      return { ...model, ...(await describeLoaded(client, { model, memory }, signal)) };
    }),
  );
}

/** The model that a name means, with its tag or without; null where there is none. */
export const findNamed = (models: readonly InstalledModel[], name: string): InstalledModel | null =>
  models.find((model) => isNamed(model, name.replace(/:latest$/, ''))) ?? null;

async function describeLoaded(
  client: OllamaClient,
  { model, memory }: { model: InstalledModel; memory: Pick<LoadedState, 'bytes' | 'vramBytes' | 'contextTokens'> },
  signal: AbortSignal,
): Promise<Pick<InstalledModel, 'trainedTokens' | 'loaded'>> {
  const shown = await client.show(model.name, signal).catch(() => null);
  signal.throwIfAborted();
  const { trainedTokens, kvBytesPerToken, hasSlidingWindow } = modelFacts(shown ?? {});
  return {
    trainedTokens: trainedTokens ?? model.trainedTokens,
    loaded: { ...memory, kvBytesPerToken, hasSlidingWindow },
  };
}

function readListed({ name, size, details = {}, capabilities, ...listed }: StoredModel): InstalledModel {
  const family = details.family || null;
  return {
    name: name.replace(/:latest$/, ''),
    weightsBytes: size,
    family,
    parameters: details.parameter_size || null,
    quantisation: details.quantization_level || null,
    capabilities: capabilities ?? null,
    isRemote: Boolean(listed.remote_host),
    // The runner of MLX models takes one request after the other.
    hasOneSlot: hasOneSlot({ family }) || details.format === 'safetensors',
    trainedTokens: details.context_length ?? null,
    loaded: null,
  };
}
