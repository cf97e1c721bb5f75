import type { Notify } from '../../core/events.ts';
import { type BatchRequest, describeRequest } from '../../core/request.ts';
import { formatCounted, formatDuration } from '../../text/format.ts';

/** A request in flight. */
interface Writing {
  readonly request: BatchRequest;
  /** Tokens of the answer that came, or pieces of it. */
  readonly pieces: number;
  /** Time at which this watch first saw a token of it, in milliseconds; null while there is none. */
  writingSince: number | null;
}

const longMs = 60_000;
/** Keys of all engines that end an answer after so many tokens. */
const limitKeys = ['max_completion_tokens', 'max_tokens', 'num_predict', 'n_predict'];

/** Tells once of an answer that is being written for a minute and that no limit will end. To be called with all in flight. */
export function watchLength(notify: Notify): (entries: Iterable<Writing>, at: number) => void {
  let isTold = false;
  return (entries, at) => {
    if (isTold) return;
    for (const entry of entries) {
      if (entry.pieces === 0) continue;
      entry.writingSince ??= at;
      const writingMs = at - entry.writingSince;
      if (writingMs < longMs || hasLimit(entry.request)) continue;
      isTold = true;
      notify({ topic: 'long-answer', text: describe(entry, writingMs) });
      return;
    }
  };
}

const hasLimit = ({ body }: BatchRequest): boolean => limitKeys.some((key) => typeof body[key] === 'number');

const describe = ({ request, pieces }: Writing, writingMs: number): string =>
  `the answer to ${describeRequest(request)} has been written for ${formatDuration(writingMs)} (${formatCounted(pieces, 'token')} so far), and only the end of the context window limits it: --max-tokens ends such answers earlier`;
