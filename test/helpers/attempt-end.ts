import type { ResultSample, RunEvent } from '../../src/core/events.ts';

/** The end of the attempt that a result is of. */
export const attemptEnd = (sample: ResultSample): RunEvent => ({
  type: 'request-end',
  tokens: sample,
  isAnswered: sample.kind === null,
  latencyMs: sample.latencyMs,
  rest: null,
});
