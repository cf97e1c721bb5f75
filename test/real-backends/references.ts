import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A greedy answer that transformers gave in float32; fixtures/references/README.md tells how. */
export interface Reference {
  custom_id: string;
  prompt_tokens: number;
  /** The text of each token. */
  pieces: string[];
  /** By how much the logit of each token is above that of the second best; one more where the model ended by itself. */
  margins: number[];
}

export interface EmbeddingReference {
  custom_id: string;
  prompt_tokens: number;
  embedding: number[];
}

export const referenceFile = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/references/${name}`, import.meta.url));

export const readReferences = <T>(name: string): T[] =>
  readFileSync(referenceFile(name), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);

export interface Agreement {
  /** Tokens of the reference that the answer has. */
  tokens: number;
  /** The token at which a sure model left the reference; null where the answer is the same, or left it at an unsure one. */
  left: string | null;
}

/** Where a model is so sure of a token, rounding does not make it take another one. */
const usualMargin = 0.5;

/** Compares an answer with its reference, token by token. */
export function agreement({ pieces, margins }: Reference, answer: string, sureMargin: number = usualMargin): Agreement {
  const text = answer.replace(/\uFFFD+$/, '');
  let end = 0;
  let tokens = 0;
  for (const piece of pieces) {
    if (!text.startsWith(piece, end)) break;
    end += piece.length;
    tokens++;
  }
  if (tokens === pieces.length && end === text.length) return { tokens, left: null };
  // The token before may have been another one that begins alike (" the" of " there"), or the first half of a character.
  let first = tokens;
  do first--;
  while (first > 0 && pieces[first] === '');
  const isSure = margins.slice(Math.max(first, 0), tokens + 1).every((margin) => margin > sureMargin);
  return {
    tokens,
    left: isSure ? `${JSON.stringify(pieces[tokens] ?? '')} after ${JSON.stringify(text.slice(0, end))}` : null,
  };
}
