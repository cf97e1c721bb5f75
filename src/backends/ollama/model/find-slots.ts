import type { BackendLimits, OpenRequest } from '../../../core/backend.ts';
import { isEmbeddingModel } from './load-model.ts';
import type { LoadedModel } from './loaded-model.ts';
import { hasOneSlot } from './model-facts.ts';
import type { OllamaOptions } from '../options.ts';
import { probeSlots } from './probe-slots.ts';

/** Servers are seldom given more. */
export const maxProbedSlots = 16;

/**
 * Finds how many requests the server works on at once: by the user's option, by the model's architecture, or by a
 * probe.
 */
export async function findSlots(
  loaded: LoadedModel,
  { slots: told }: OllamaOptions,
  { workers, signal, onNotice }: Pick<OpenRequest, 'workers' | 'signal' | 'onNotice'>,
): Promise<number | null> {
  if (told !== undefined) return told;
  if (hasOneSlot(loaded.facts)) return 1;
  // One worker has a slot in any case, and what only embeds streams nothing that could be watched.
  if (workers === 1 || isEmbeddingModel(loaded)) return null;
  onNotice('ollama: finding out how many requests the server works on at once, with a few short ones', 'detail');
  return probeSlots(loaded, Math.min(workers ?? maxProbedSlots, maxProbedSlots), signal);
}

/** One more than there are slots, so that none waits for this program between two requests. */
export function slotLimits({ facts, runner }: LoadedModel, slots: number | null): BackendLimits {
  return {
    slots,
    suggestedWorkers: slots === null ? 1 : slots + 1,
    contextTokens: runner.num_ctx,
    ...(hasOneSlot(facts) ? { fixedSlots: fixedText(facts.family) } : {}),
  };
}

const fixedText = (family: string | null): string =>
  `the server gives models of the family ${family} only one slot, whatever its settings are`;
