import { type Failure, failure } from '../core/completion.ts';
import { type Answered, resultOf } from './build-result.ts';
import type { Lane } from './engine-run.ts';
import { failureOfThrown } from './last-net.ts';

/**
 * Hands a result to the journal. One that can't be written as a line (nested too deep, too long for a text) becomes the
 * request's failure, without what the server sent. False where an answer became one so.
 */
export function recordAnswer(lane: Lane, row: number, answered: Answered): Promise<boolean> | boolean {
  let pending: Promise<void> | undefined;
  let isWhole = true;
  try {
    pending = lane.record(row, resultOf(answered, lane.source));
  } catch (error) {
    isWhole = false;
    const bare: Answered = { ...answered, verdict: { answer: bareFailure(answered, error) }, place: null };
    pending = lane.record(row, resultOf(bare, lane.source));
  }
  // What the disk says is no matter of this request.
  return pending === undefined ? isWhole : pending.then(() => isWhole);
}

function bareFailure({ verdict: { answer } }: Answered, error: unknown): Failure {
  const thrown = failureOfThrown(error, 'invalid-response');
  return answer.status === 'failed' ? failure(answer.kind, answer.message) : thrown;
}
