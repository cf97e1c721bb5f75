import type { BackendLimits, OpenRequest } from '../../../core/backend.ts';
import { isEmbeddingModel } from './load-model.ts';
import type { LoadedModel } from './loaded-model.ts';
import { findLocalRunner } from '../server-process.ts';
import { hasOneSlot } from './model-facts.ts';
import type { OllamaOptions } from '../options.ts';
import { probeSlots } from './probe-slots.ts';
import { formatCounted, formatDuration } from '../../../text/format.ts';

/** Time in milliseconds after which the user is told how to do without the probe. */
const slowProbeMs = 10_000;

/** Servers are seldom given more. */
export const maxProbedSlots = 16;

/**
 * Finds how many requests the server works on at once: by the user's option, by the model's architecture, by the command line of
 * a local server's process, or by a probe.
 */
export async function findSlots(
  loaded: LoadedModel,
  { slots: told }: OllamaOptions,
  { workers, signal, onNotice, onStep }: Pick<OpenRequest, 'workers' | 'signal' | 'onNotice' | 'onStep'>,
): Promise<number | null> {
  if (told !== undefined) return told;
  if (hasOneSlot(loaded.facts)) return 1;
  // One worker has a slot in any case, and what only embeds streams nothing that could be watched.
  if (workers === 1 || isEmbeddingModel(loaded)) return null;
  const runner = await findLocalRunner(loaded.client.host, loaded.facts.weightsFile);
  if (runner?.slots != null) return runner.slots;
  onStep?.('finding out how many requests at once');
  onNotice('ollama: finding out how many requests the server works on at once, with a few short ones', 'detail');
  const startedAt = performance.now();
  const slots = await probeSlots(loaded, Math.min(workers ?? maxProbedSlots, maxProbedSlots), signal);
  const tookMs = performance.now() - startedAt;
  if (tookMs > slowProbeMs)
    onNotice(
      `ollama: it took ${formatDuration(tookMs)} to find out that the server works on ${formatCounted(slots, 'request')} at once; --option slots=${slots} saves that time on the next start`,
    );
  return slots;
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
