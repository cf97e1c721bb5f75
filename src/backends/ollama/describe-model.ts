import type { OpenRequest } from '../../core/backend.ts';
import { formatInteger } from '../../core/format.ts';
import { openKeyWarning } from '../server/bearer-key.ts';
import { mostProbedSlots } from './find-slots.ts';
import { isEmbeddingModel } from './load-model.ts';
import { modelMemory, offloadWarning } from './model-memory.ts';
import type { PreparedModel } from './prepare-model.ts';
import type { ServerProcess } from './server-process.ts';
import { isBefore } from './versions.ts';

export interface Described {
  prepared: PreparedModel;
  version: string;
  slots: number | null;
  weightsBytes: number | null;
  server: ServerProcess | null;
}

/** What was chosen for a model and why, and what is amiss: sentences for the user. */
export async function describeModel(described: Described, request: OpenRequest): Promise<string[]> {
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
      openKeyWarning('OLLAMA_API_KEY', loaded.client.host),
      offload,
      samplingNote(described, await usualBody(request)),
      cacheWarning(described),
      tokensWarning(described),
    ].filter((note) => note !== null),
  ];
}

/** A probe is as wide as there are workers: where all of them found a slot, there may be more. */
function slotsText(slots: number | null, { workers, options }: OpenRequest): string {
  if (slots === null) return '';
  const isAll = slots > 1 && options['slots'] === undefined && slots === (workers ?? mostProbedSlots);
  return `${formatInteger(slots)}${isAll ? ' or more' : ''} slot${slots === 1 ? '' : 's'} of `;
}

const usualBody = async (request: OpenRequest): Promise<Record<string, unknown> | null> =>
  (await request.promptLengths())?.usual.body ?? null;

/** Answers that are not greedy differ from run to run: said where nobody asked for it. */
function samplingNote({ prepared: { loaded } }: Described, body: Record<string, unknown> | null): string | null {
  if (body === null || typeof body['temperature'] === 'number' || isEmbeddingModel(loaded)) return null;
  const temperature = loaded.facts.parameters.get('temperature') ?? "Ollama's 0.8";
  return `no temperature is given: answers are drawn at ${temperature}, and another run gives others; --temperature 0 gives the likeliest`;
}

/** Seen only where the server is a process of this machine that may be looked at. */
function cacheWarning({ server, version }: Described): string | null {
  const environment = server?.environment ?? null;
  if (environment === null || isBefore(version, '0.30.0') || environment['LLAMA_ARG_CACHE_RAM'] === '0') return null;
  return 'hint: this server keeps every prompt in RAM (8 GiB), which slows it with each distinct one; LLAMA_ARG_CACHE_RAM=0 in its environment ends that, and costs nothing here';
}

function tokensWarning({ prepared: { loaded } }: Described): string | null {
  return loaded.facts.knowsControlTokens || isEmbeddingModel(loaded)
    ? null
    : "the server does not list this model's control tokens: only those in its template are kept out of texts";
}
