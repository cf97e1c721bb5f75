import { type Repetition, repeatedTokens } from '../../request/repetition.ts';
import { firstStop } from '../answer/answer-text.ts';

/** An answer that comes as pieces of text, each of one token or of several. */
export interface AnswerPieces {
  /** Adds a piece, with which the answer has so many tokens. Returns true when its text holds a stop string. */
  add: (piece: string, tokens: number) => boolean;
  /** The answer has so many tokens, and ends. Those of which no piece came are the bytes of a character that is not whole. */
  end: (tokens: number) => void;
  tokens: () => number;
  /** What it repeats without end; null where it does not. To be asked behind each piece. */
  repetition: () => Repetition | null;
  metStop: () => string | null;
  text: () => string;
}

/**
 * Collects the pieces of an answer. A server sends no event for a token that ends within a character, so that the
 * identity of such tokens is not known, but their text and number are. Tokens are compared by numbers that stand for the
 * texts of pieces.
 */
export function createAnswerPieces(stops: readonly string[], hasGrammar: boolean): AnswerPieces {
  const tokens: number[] = [];
  const texts = [''];
  const numbers = new Map([['', 0]]);
  const maxStopLength = Math.max(0, ...stops.map((stop) => stop.length));
  let text = '';
  let cut: { text: string; stop: string } | null = null;

  const numberOf = (piece: string): number => {
    const known = numbers.get(piece);
    if (known !== undefined) return known;
    numbers.set(piece, texts.length);
    return texts.push(piece) - 1;
  };
  const add = (piece: string, count: number): boolean => {
    while (tokens.length < count - 1) tokens.push(0);
    tokens.push(numberOf(piece));
    const from = Math.max(0, text.length - maxStopLength);
    text += piece;
    cut = firstStop(text, stops, from);
    return cut !== null;
  };
  return {
    add,
    end: (count) => void (count > tokens.length && add('\uFFFD', count)),
    tokens: () => tokens.length,
    repetition: () =>
      repeatedTokens({ tokens, textOf: (some) => some.map((token) => texts[token]).join(''), hasGrammar }),
    metStop: () => cut?.stop ?? null,
    text: () => cut?.text ?? text,
  };
}
