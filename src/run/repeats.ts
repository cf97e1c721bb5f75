import type { BackendDefinition } from '../core/backend.ts';
import { UsageError } from '../core/errors.ts';
import type { Notify } from '../core/events.ts';
import type { BatchRequest } from '../core/request.ts';
import type { AnswerSettings, RunnerSettings } from '../core/settings.ts';
import { formatCounted, formatInteger } from '../text/format.ts';

/** What decides whether a request is answered alike each time; null: it is neither of the two, and the engine's default decides. */
type Sampling = 'fixed' | 'random' | null;

/** Embeddings repeat by themselves. A seed makes a random answer repeat, as far as the engine goes. */
function samplingOf({ endpoint, body }: BatchRequest): Sampling {
  if (endpoint === '/v1/embeddings' || body['temperature'] === 0 || typeof body['seed'] === 'number') return 'fixed';
  return typeof body['temperature'] === 'number' ? 'random' : null;
}

type Temperature = Pick<BackendDefinition, 'defaultTemperature'>;

/** Is the answer to this request meant to be the same each time that it is sent? */
export const isMeantToRepeat = (request: BatchRequest, { defaultTemperature }: Temperature): boolean =>
  (samplingOf(request) ?? (defaultTemperature === 0 ? 'fixed' : 'random')) === 'fixed';

/** The flags that ask for answers to be taken over: `--reuse`, `--dedupe`, or both; null where neither does. */
export function reuseFlags({ reuse, dedupe }: Pick<RunnerSettings, 'reuse' | 'dedupe'>): string | null {
  const flags = [...(reuse.length > 0 ? ['--reuse'] : []), ...(dedupe ? ['--dedupe'] : [])];
  return flags.length === 0 ? null : flags.join(' and ');
}

/** Counts the requests of an input by how they are sampled. */
export interface RepeatCount {
  onRequest: (request: BatchRequest) => void;
  /** Refuses an input of which no answer is meant to repeat; tells of the requests that are sent for this reason. */
  check: (flags: string, definition: Temperature, notify: Notify) => void;
}

export function createRepeatCount(): RepeatCount {
  const counts = { fixed: 0, random: 0, unsaid: 0 };
  return {
    onRequest(request) {
      counts[samplingOf(request) ?? 'unsaid']++;
    },
    check(flags, { defaultTemperature }, notify) {
      const all = counts.fixed + counts.random + counts.unsaid;
      const sampled = counts.random + (defaultTemperature === 0 ? 0 : counts.unsaid);
      if (sampled === 0) return;
      const why = 'with no seed, and a temperature that is not 0';
      if (sampled < all) {
        const text = `${formatInteger(sampled)} of ${formatCounted(all, 'request')} are answered otherwise each time (${why}): they are sent, whatever was answered before`;
        return notify({ topic: 'reuse', text });
      }
      throw new UsageError(
        `${flags} can't be used: no request of this input has a repeatable answer (they are sampled ${why})`,
        `To have answers that repeat, add --temperature 0 or --seed 1 to this run and to the earlier one. To send every request, leave ${flags} out.`,
      );
    },
  };
}

/** The answer of a turn depends on the turns before it, which its hash does not hold. */
export function refuseConversation(flags: string, { mode }: Pick<AnswerSettings, 'mode'>): void {
  if (mode !== 'conversation') return;
  throw new UsageError(
    `${flags} can't be used with --mode conversation: there an answer depends on the requests before it`,
    `Remove ${flags}, or use --mode independent.`,
  );
}
