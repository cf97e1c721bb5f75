import type { Snapshot } from '../../core/snapshot.ts';
import type { RunOutcome } from '../../run/run-request.ts';
import { formatCounted, formatDuration, formatInteger } from '../../text/format.ts';

/** What became of all inputs of a queue. */
export interface QueueTotal {
  readonly inputs: number;
  /** Takes the state of the input that runs from now on. */
  start: (snapshot: () => Snapshot) => void;
  /** The numbers of the input that runs; null where none does. */
  current: () => Snapshot | null;
  /** Requests in flight now. */
  inFlight: () => number;
  /** Counts an input that has ended, or was stopped. */
  add: (outcome: RunOutcome) => void;
  /** `2 of 3 inputs finished: 1,200 requests done (1,188 succeeded, 12 failed), in 4m 05s`. */
  text: () => string;
}

export function createQueueTotal(inputs: number): QueueTotal {
  const startedAt = performance.now();
  const sums = { finished: 0, done: 0, succeeded: 0, failed: 0 };
  let current: (() => Snapshot) | null = null;
  return {
    inputs,
    start: (snapshot) => (current = snapshot),
    current: () => current?.() ?? null,
    inFlight: () => current?.().progress.inFlight ?? 0,
    add({ manifest, snapshot: { progress } }) {
      current = null;
      if (manifest.state === 'finished') sums.finished++;
      for (const name of ['done', 'succeeded', 'failed'] as const) sums[name] += progress[name];
    },
    text() {
      const { finished, done, succeeded, failed } = sums;
      const failures = failed === 0 ? '' : ` (${formatInteger(succeeded)} succeeded, ${formatInteger(failed)} failed)`;
      const requests = `${formatCounted(done, 'request')} done${failures}`;
      const time = formatDuration(performance.now() - startedAt);
      return `${finished} of ${inputs} inputs finished: ${requests}, in ${time}`;
    },
  };
}
