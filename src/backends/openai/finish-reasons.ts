/** The last two are TGI's. */
const ends = new Set('stop tool_calls function_call eos_token stop_sequence'.split(' '));
/** Judged by the engine stage, which keeps what was said. */
const cuts = new Set(['length', 'content_filter']);
/** vLLM's and SGLang's for a request that they gave up; a router's for a server behind it that failed. */
const failures = new Set(['abort', 'error']);

export const isKnownReason = (reason: string): boolean => ends.has(reason) || cuts.has(reason);
export const isFailedReason = (reason: string): boolean => failures.has(reason);

/** Of two reasons that a stream gave for one answer, the one that holds: a later one makes no whole answer of a cut one. */
export function worseReason(first: unknown, second: unknown): unknown {
  if (first === null || first === undefined) return second;
  if (second === null || second === undefined) return first;
  return badness(first) > badness(second) ? first : second;
}

function badness(reason: unknown): number {
  if (typeof reason !== 'string') return 4;
  if (failures.has(reason)) return 3;
  if (cuts.has(reason)) return reason === 'length' ? 1 : 2;
  return ends.has(reason) ? 0 : 4;
}
