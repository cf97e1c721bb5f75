/**
 * A run-away answer: one that says the same again and again, as small models do to the end of their window.
 *
 * The rule, the same on every engine: the end of the answer is one text of at most 64 tokens, said over 512 tokens with
 * nothing between (so at least 8 times). Text in which no two words stand side by side may be data that was asked for,
 * such as the rows of an empty table, a matrix of zeros, an array of `null` or a ruler: it is ended after 2,048 tokens,
 * but for the same item of a list again and again. A paragraph of prose may have up to 256 tokens, and is ended after
 * 2,048 too.
 * Blanks alone are no data. Where a grammar shapes the answer, the same tokens may be all that it allows: only blanks are
 * ended there.
 */
export interface Repetition {
  /** What is repeated, once. */
  text: string;
  /** Whole times in a row that it came, as far back as was looked: 2,048 tokens. */
  times: number;
}

/** How much is repeated in a run-away answer, in tokens, or in characters where an engine sends text. */
interface Spans {
  prose: number;
  /** Of any other text. */
  data: number;
}

const tokenSpans: Spans = { prose: 512, data: 2048 };
/** The repeated text is at most this part of a span: 64 tokens of 512, 256 of 2,048. */
const minTimes = 8;
/** The end of the answer is looked at whenever about so many tokens have come: each look costs a microsecond or two. */
const tokensBetween = 16;

export interface GeneratedTokens {
  /** All tokens of the answer so far. */
  tokens: readonly number[];
  textOf: (tokens: readonly number[]) => string;
  hasGrammar: boolean;
}

/** Finds what the answer repeats without end. To be asked behind each token. */
export function repeatedTokens({ tokens, textOf, hasGrammar }: GeneratedTokens): Repetition | null {
  const { length } = tokens;
  if (length < tokenSpans.prose || length % tokensBetween !== 0) return null;
  return findRepetition({
    length,
    at: (index) => tokens[index] ?? 0,
    textOf: (from, to) => textOf(tokens.slice(from, to)),
    spans: tokenSpans,
    hasGrammar,
  });
}

/** Characters in a usual token of prose. */
const tokenCharacters = 4;
const keptCharacters = tokenSpans.data * tokenCharacters;

/**
 * Watches an answer that comes as pieces of text; to be called with each. Returns what the answer, which goes on with this
 * piece, has repeated without end; else null. A piece is a token on most servers; on others it is several, and never the
 * same ones. So characters are compared, and 512 tokens are 512 pieces or 2,048 characters, whichever is less text.
 */
export function createTextWatch(hasGrammar: boolean): (piece: string) => Repetition | null {
  let text = '';
  let characters = 0;
  let lookedAt = 0;
  let pieces = 0;
  /** Characters of the answer after each `tokensBetween` pieces, from 0 pieces on. */
  const marks = [0];
  const spanOf = (tokens: number): number =>
    Math.min(tokens * tokenCharacters, characters - (marks.at(-1 - tokens / tokensBetween) ?? -Infinity));
  const look = (): Repetition | null => {
    lookedAt = characters;
    const spans = { prose: spanOf(tokenSpans.prose), data: spanOf(tokenSpans.data) };
    if (characters < spans.prose) return null;
    text = text.slice(-keptCharacters);
    return findRepetition({
      length: text.length,
      at: (index) => text.charCodeAt(index),
      textOf: (from, to) => text.slice(from, to),
      spans,
      hasGrammar,
    });
  };
  return (piece) => {
    const found = characters - lookedAt < tokensBetween * tokenCharacters ? null : look();
    text += piece;
    characters += piece.length;
    if (++pieces % tokensBetween === 0) marks.push(characters);
    return found;
  };
}

/** The end of an answer, in tokens or in characters. */
interface Written {
  length: number;
  /** The same number for the same token or character. */
  at: (index: number) => number;
  textOf: (from: number, to: number) => string;
  spans: Spans;
  /** A grammar shapes the answer. */
  hasGrammar: boolean;
}

function findRepetition(written: Written): Repetition | null {
  const found = findPeriod(written);
  if (found === null) return null;
  const { period, span } = found;
  const text = written.textOf(written.length - period, written.length);
  if (text.trim() !== '') {
    if (written.hasGrammar) return null;
    const isSure = span >= written.spans.data && period <= written.spans.prose / minTimes;
    if (!isSure && !isProse(text + text)) return null;
  }
  return { text, times: Math.floor(span / period) };
}

/** The shortest period of the end of what was written, and over how much of it; null where that is too little. */
function findPeriod({ length, at, spans }: Written): { period: number; span: number } | null {
  const farthest = Math.min(length, spans.data);
  for (let period = 1; period <= spans.data / minTimes; period++) {
    const minSpan = period <= spans.prose / minTimes ? spans.prose : spans.data;
    if (farthest < minSpan) return null;
    let span = period;
    while (span < farthest && at(length - 1 - span) === at(length - 1 - span + period)) span++;
    if (span >= minSpan) return { period, span };
  }
  return null;
}

/** Matches two words side by side, an item of a list, or the letters of a script that sets no blanks between its words. */
const isProse = (text: string): boolean => /\p{L}[\p{M}'’]* +\p{L}|\n[ \t]*[-*•+] +\p{L}|\p{Lo}{4}/u.test(text);
