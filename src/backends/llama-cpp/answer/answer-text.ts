import type { LlamaModel, Token } from 'node-llama-cpp';

/** The text of an answer as its tokens come. */
export interface AnswerText {
  /** Adds a token. Returns true when the text now holds a stop string, before which the answer ends. */
  add(token: Token): boolean;
  /** The stop string that was met. */
  metStop(): string | null;
  text(): string;
}

/** Tokens before a piece that the detokenizer looks at, to know whether a space belongs between. */
const contextTokens = 8;
/** A character has at most four bytes, so an incomplete one waits for a few tokens at most. */
const maxPendingTokens = 8;

/** `prompt`: what the answer follows. Without stop strings the text is made once, at its end. */
export function createAnswerText(model: LlamaModel, prompt: Token[], stops: string[]): AnswerText {
  const tokens: Token[] = [];
  const longestStop = Math.max(0, ...stops.map((stop) => stop.length));
  let settled = '';
  let settledTokens = 0;
  let cut: { text: string; stop: string } | null = null;

  const before = (count: number): Token[] =>
    [...prompt.slice(-contextTokens), ...tokens.slice(0, count)].slice(-contextTokens);

  return {
    add(token) {
      tokens.push(token);
      if (stops.length === 0) return false;
      const piece = model.detokenize(tokens.slice(settledTokens), false, before(settledTokens));
      const text = settled + piece;
      cut = firstStop(text, stops, Math.max(0, settled.length - longestStop));
      // Bytes of a character that is not whole yet show as U+FFFD.
      if (!piece.endsWith('\uFFFD') || tokens.length - settledTokens >= maxPendingTokens) {
        settled = text;
        settledTokens = tokens.length;
      }
      return cut !== null;
    },
    metStop: () => cut?.stop ?? null,
    text: () => cut?.text ?? model.detokenize(tokens, false, before(0)),
  };
}

/** The stop string that a text holds first from a place on, and the text before it; null where it holds none. */
export function firstStop(text: string, stops: readonly string[], from: number): { text: string; stop: string } | null {
  let first: { index: number; stop: string } | null = null;
  for (const stop of stops) {
    const index = text.indexOf(stop, from);
    if (index !== -1 && (first === null || index < first.index)) first = { index, stop };
  }
  return first === null ? null : { text: text.slice(0, first.index), stop: first.stop };
}
