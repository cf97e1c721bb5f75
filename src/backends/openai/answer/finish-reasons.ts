/**
 * Reasons of a complete answer: OpenAI's, and those of TGI (`eos_token`, `stop_sequence`), Together (`eos`), and of
 * gateways to Anthropic.
 */
const ends = new Set('stop tool_calls function_call eos_token stop_sequence eos end_turn tool_use'.split(' '));
/** Judged by the scheduler, which keeps what was said. */
const cuts = new Set(['length', 'content_filter']);
/** vLLM's and SGLang's for a request that they gave up; a router's, DeepSeek's and Zhipu's for a server that failed. */
const failures = new Set('abort error insufficient_system_resource network_error'.split(' '));
/** Other words for a cut: Anthropic's and Gemini's, Mistral's; Gemini's, Zhipu's. */
const otherWords: Record<string, string> = {
  max_tokens: 'length',
  model_length: 'length',
  safety: 'content_filter',
  recitation: 'content_filter',
  sensitive: 'content_filter',
};

/** A reason in OpenAI's words, where it is a known one in others, or in capitals. */
export function ourReason(reason: string): string {
  const small = reason.toLowerCase();
  const ours = Object.hasOwn(otherWords, small) ? (otherWords[small] ?? small) : small;
  return isKnownReason(ours) ? ours : reason;
}

export const isKnownReason = (reason: string): boolean => ends.has(reason) || cuts.has(reason);
export const isFailedReason = (reason: string): boolean => failures.has(reason);

/** Chooses between two reasons that a stream gave for one answer: a later one does not make a cut answer whole. */
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
