import type { ModelMemory } from '../../../core/measurements.ts';
import type { OpenRequest } from '../../../core/backend.ts';
import { keyVariable } from '../../../core/connection.ts';
import type { BatchRequest } from '../../../core/request.ts';
import { formatInteger, formatBytes, formatPercent } from '../../../text/format.ts';
import { openKeyWarning } from '../../http/bearer-key.ts';
import { maxProbedSlots } from '../model/find-slots.ts';
import { hasAnswer } from './choose-context.ts';
import { isEmbeddingModel } from '../model/load-model.ts';
import type { PreparedModel } from './prepare-model.ts';
import type { ServerProcess } from '../../../machine/listening-process.ts';
import { isBefore } from '../../../text/versions.ts';
import { isNamed } from '../model/find-model.ts';
import type { LoadedModel } from '../model/loaded-model.ts';

export interface PreparedRun {
  prepared: PreparedModel;
  version: string;
  slots: number | null;
  weightsBytes: number | null;
  server: ServerProcess | null;
}

/** Sentences for the user: the first says what was chosen for a model and why, the others what is wrong. */
export async function describeModel(described: PreparedRun, request: OpenRequest): Promise<string[]> {
  const { prepared, slots } = described;
  const { loaded, choice } = prepared;
  const notes = [
    `ollama: ${slotsText(slots, request)}${formatInteger(choice.contextTokens)} tokens (${choice.reason})`,
  ];
  if (choice.warning !== null) notes.push(`warning: ${choice.warning}`);
  const memory = await modelMemory(loaded, { ...described, signal: request.signal }).catch(() => null);
  const offload = memory === null ? null : offloadWarning(memory, loaded, slots ?? 1);
  return [
    ...notes,
    ...[
      openKeyWarning(keyVariable(request.connection, 'OLLAMA_API_KEY'), loaded.client.host),
      offload,
      samplingNote(described, await usualRequest(request)),
      cacheWarning(described),
      tokensWarning(described),
    ].filter((note) => note !== null),
  ];
}

/** A probe is as wide as there are workers: where all of them found a slot, there may be more. */
function slotsText(slots: number | null, { workers, options }: OpenRequest): string {
  if (slots === null) return '';
  const isAll = slots > 1 && options['slots'] === undefined && slots === (workers ?? maxProbedSlots);
  return `${formatInteger(slots)}${isAll ? ' or more' : ''} slot${slots === 1 ? '' : 's'} of `;
}

const usualRequest = async (request: OpenRequest): Promise<BatchRequest | null> =>
  (await request.promptLengths())?.usual ?? null;

/**
 * A note that answers will differ from run to run because sampling is not greedy; null where the user asked for that.
 */
function samplingNote({ prepared: { loaded } }: PreparedRun, usual: BatchRequest | null): string | null {
  if (usual === null || typeof usual.body['temperature'] === 'number') return null;
  if (!hasAnswer(usual) || isEmbeddingModel(loaded)) return null;
  const temperature = loaded.facts.parameters.get('temperature') ?? "Ollama's 0.8";
  return `no temperature is given: answers are drawn at ${temperature}, and another run gives others; --temperature 0 gives the likeliest`;
}

/** Seen only where the server is a process of this machine that may be looked at. */
function cacheWarning({ server, version }: PreparedRun): string | null {
  const environment = server?.environment ?? null;
  if (environment === null || isBefore(version, '0.30.0') || environment['LLAMA_ARG_CACHE_RAM'] === '0') return null;
  return 'hint: this server keeps every prompt in RAM (8 GiB), which slows it with each distinct one; LLAMA_ARG_CACHE_RAM=0 in its environment ends that, and costs nothing here';
}

function tokensWarning({ prepared: { loaded } }: PreparedRun): string | null {
  return loaded.facts.knowsControlTokens || isEmbeddingModel(loaded)
    ? null
    : "the server does not list this model's control tokens: only those in its template are kept out of texts";
}

/** Memory of the loaded model by `/api/ps`; null where it is not loaded. */
export async function modelMemory(
  { client, name }: Pick<LoadedModel, 'client' | 'name'>,
  { weightsBytes, signal }: { weightsBytes: number | null; signal: AbortSignal },
): Promise<ModelMemory | null> {
  const model = (await client.ps(signal)).find((known) => isNamed(known, name));
  return model === undefined ? null : { weightsBytes, loadedBytes: model.size, vramBytes: model.size_vram };
}

/** A warning where the GPU holds only a part of the model: the CPU does the rest, many times slower. */
export function offloadWarning(
  { loadedBytes, vramBytes }: ModelMemory,
  { facts, runner }: LoadedModel,
  slots: number,
): string | null {
  if (vramBytes === 0 || vramBytes >= loadedBytes) return null;
  const cache = facts.kvBytesPerToken === null ? null : facts.kvBytesPerToken * runner.num_ctx * slots;
  const upTo = facts.hasSlidingWindow ? 'up to ' : '';
  const cacheText =
    cache === null ? '' : ` (the KV cache of ${slots} x ${runner.num_ctx} tokens takes ${upTo}${formatBytes(cache)})`;
  const share = formatPercent(1 - vramBytes / loadedBytes);
  return `warning: ${share} of the model is outside the GPU's memory, which makes it many times slower${cacheText}: lower --option num_ctx= or OLLAMA_NUM_PARALLEL, or use a smaller quantisation`;
}
