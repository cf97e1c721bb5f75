import { type Failure, failure } from '../../core/completion.ts';
import { formatInteger } from '../../core/format.ts';

/** A failure where the server seems to have cut the prompt, by its token count and the bytes of its texts. */
export type CutCheck = (promptTokens: number, bytes: number) => Failure | null;

/** A server cuts to the whole window (before 0.30), or to half of it and its first tokens (since). */
const keptTokens = 8;
/** A prompt cut to half shows twice the bytes a token; languages and layouts differ less than that within one input. */
const suspiciousRatio = 1.5;

/**
 * Told not to cut, a server refuses a prompt that is too long. One that cuts all the same answers 200, with a token count
 * at which it cuts: this is how such an answer is known. Where the server is known to refuse, a count that happens to be
 * one of those is suspicious only when the prompt has far more bytes a token than those before it.
 */
export function createCutCheck(contextTokens: number, cutsPrompts: boolean): CutCheck {
  const half = Math.floor(contextTokens / 2);
  let mostBytesPerToken = 0;
  return (promptTokens, bytes) => {
    const isAtCut = promptTokens >= contextTokens - 1 || (promptTokens >= half && promptTokens <= half + keptTokens);
    const bytesPerToken = bytes / Math.max(1, promptTokens);
    if (!isAtCut) mostBytesPerToken = Math.max(mostBytesPerToken, bytesPerToken);
    const isTooDense = mostBytesPerToken > 0 && bytesPerToken > suspiciousRatio * mostBytesPerToken;
    if (!isAtCut || !(cutsPrompts || isTooDense)) return null;
    const counts = `it counts ${formatInteger(promptTokens)} tokens of a window of ${formatInteger(contextTokens)}`;
    return failure('context-too-long', `The server seems to have cut the prompt (${counts}): raise --option num_ctx.`);
  };
}
