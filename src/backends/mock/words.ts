export interface PromptTokens {
  tokens: number;
  /** Words of the texts that this worker's previous prompt began with too. */
  cachedTokens: number;
}

interface CountedText {
  text: string;
  words: number;
}

/** Counts the words of prompts, given as their texts in order; what the worker's last prompt shares is not counted again. */
export function createPromptCounter(): (worker: number, texts: string[]) => PromptTokens {
  const previous = new Map<number, CountedText[]>();
  return (worker, texts) => {
    const known = previous.get(worker) ?? [];
    const shared = known.slice(0, sharedLength(known, texts));
    const fresh = texts.slice(shared.length).map((text) => ({ text, words: countWords(text) }));
    previous.set(worker, [...shared, ...fresh]);
    const cachedTokens = sumWords(shared);
    return { tokens: cachedTokens + sumWords(fresh), cachedTokens };
  };
}

function sharedLength(known: CountedText[], texts: string[]): number {
  let length = 0;
  while (length < texts.length && known[length]?.text === texts[length]) length++;
  return length;
}

function sumWords(counted: CountedText[]): number {
  let sum = 0;
  for (const { words } of counted) sum += words;
  return sum;
}

/** Words of a text, split at white space; a loop, since the zero-latency mock counts millions of them a second. */
export function countWords(text: string): number {
  let words = 0;
  let inWord = false;
  for (let index = 0; index < text.length; index++) {
    const isBlank = text.charCodeAt(index) <= 32;
    if (!isBlank && !inWord) words++;
    inWord = !isBlank;
  }
  return words;
}

/** The text up to the end of its word number `words`; all of it when it has no more. */
export function firstWords(text: string, words: number): string {
  let seen = 0;
  let end = 0;
  for (const word of text.matchAll(/[^\0-\x20]+/g)) {
    if (seen++ === words) return text.slice(0, end);
    end = word.index + word[0].length;
  }
  return text;
}
