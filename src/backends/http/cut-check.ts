import { type Failure, failure } from '../../core/completion.ts';
import { formatInteger } from '../../text/format.ts';

/**
 * A failure where the server seems to have cut the prompt, by its token count and the bytes of its texts (null where it
 * holds more than texts).
 */
export type CutCheck = (promptTokens: number, bytes: number | null) => Failure | null;

/** A server cuts to the whole window (before 0.30), or to half of it and its first tokens (since). */
const keptTokens = 8;
/** A prompt cut to half shows twice the bytes a token; those of one input differ less than that. */
const spread = 1.5;
/** Bytes a token of ordinary texts, for the first answers, when none of the input is known. */
const ordinary = { min: 1, max: 6 };

/**
 * Told not to cut, a server refuses a prompt that is too long. One that cuts all the same answers 200, with a token count
 * at which it cuts: this is how such an answer is known. Where the server is known to refuse, a count that happens to be
 * one of those is suspicious only when the bytes a token are not what they are in the answers before.
 */
export function createCutCheck(
  contextTokens: number,
  cutsPrompts: boolean,
  advice = 'raise --option num_ctx',
): CutCheck {
  const half = Math.floor(contextTokens / 2);
  const seen = { min: Infinity, max: 0 };
  const isPlausible = (bytesPerToken: number): boolean => {
    if (seen.max === 0) return bytesPerToken >= ordinary.min && bytesPerToken <= ordinary.max;
    return bytesPerToken >= seen.min / spread && bytesPerToken <= seen.max * spread;
  };
  return (promptTokens, bytes) => {
    const isAtCut = promptTokens >= contextTokens - 1 || (promptTokens >= half && promptTokens <= half + keptTokens);
    const bytesPerToken = bytes === null ? null : bytes / Math.max(1, promptTokens);
    if (!isAtCut) {
      seen.min = Math.min(seen.min, bytesPerToken ?? Infinity);
      seen.max = Math.max(seen.max, bytesPerToken ?? 0);
      return null;
    }
    if (!cutsPrompts && (bytesPerToken === null || isPlausible(bytesPerToken))) return null;
    const counts = `it counts ${formatInteger(promptTokens)} tokens of a window of ${formatInteger(contextTokens)}`;
    return failure('context-too-long', `The server seems to have cut the prompt (${counts}): ${advice}.`);
  };
}
