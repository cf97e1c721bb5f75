import type { OllamaClient } from '../backends/ollama/http/client.ts';
import { isNamed } from '../backends/ollama/model/find-model.ts';
import { hasOneSlot, modelFacts } from '../backends/ollama/model/model-facts.ts';
import type { StoredModel } from '../backends/ollama/http/wire.ts';

/** A model that an Ollama server has. Null: the server does not say, or wasn't asked. */
export interface OllamaModel {
  name: string;
  weightsBytes: number;
  family: string | null;
  /** As the server writes it: 4.3B. */
  parameters: string | null;
  quantisation: string | null;
  capabilities: readonly string[] | null;
  /** Runs elsewhere, in the cloud. */
  isRemote: boolean;
  /** Whatever the server's settings say. */
  hasOneSlot: boolean;
  /** Tokens of the longest context that it was trained on. */
  trainedTokens: number | null;
  /** Null for a model that is not loaded. */
  loaded: LoadedState | null;
}

export interface LoadedState {
  /** Of each slot. */
  contextTokens: number | null;
  /** Weights, KV cache and buffers, and what of it lies in GPU memory. */
  bytes: number;
  vramBytes: number;
  kvBytesPerToken: number | null;
  hasSlidingWindow: boolean;
}

/** What is installed, and what is loaded: of these, `/api/show` is asked too, which is megabytes for each. */
export async function listModels(client: OllamaClient, signal: AbortSignal): Promise<OllamaModel[]> {
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

/** The model that a name means, with its tag or without. */
export const findNamed = (models: readonly OllamaModel[], name: string): OllamaModel | null =>
  models.find((model) => isNamed(model, name.replace(/:latest$/, ''))) ?? null;

async function describeLoaded(
  client: OllamaClient,
  { model, memory }: { model: OllamaModel; memory: Pick<LoadedState, 'bytes' | 'vramBytes' | 'contextTokens'> },
  signal: AbortSignal,
): Promise<Pick<OllamaModel, 'trainedTokens' | 'loaded'>> {
  const shown = await client.show(model.name, signal).catch(() => null);
  signal.throwIfAborted();
  const { trainedTokens, kvBytesPerToken, hasSlidingWindow } = modelFacts(shown ?? {});
  return {
    trainedTokens: trainedTokens ?? model.trainedTokens,
    loaded: { ...memory, kvBytesPerToken, hasSlidingWindow },
  };
}

function readListed({ name, size, details = {}, capabilities, ...listed }: StoredModel): OllamaModel {
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
