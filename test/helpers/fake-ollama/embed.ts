import { type JsonObject, isObject } from './json.ts';
import { refuse } from './refusal.ts';
import { tokenize } from './vocabulary.ts';

const defaultDimensions = 8;

/** The texts of an embedding request. */
export function readInput({ input }: JsonObject): string[] {
  if (input === undefined || input === null || input === '') return [];
  if (typeof input === 'string') return [input];
  if (Array.isArray(input) && input.every((text) => typeof text === 'string')) return input;
  throw refuse(400, 'invalid input type');
}

/** A vector of length 1 for each text, the same for the same text. */
export function embedAll(texts: string[], body: JsonObject): { embeddings: number[][]; tokens: number } {
  const dimensions = typeof body['dimensions'] === 'number' ? body['dimensions'] : defaultDimensions;
  const options = isObject(body['options']) ? body['options'] : {};
  const context = typeof options['num_ctx'] === 'number' ? options['num_ctx'] : Number.POSITIVE_INFINITY;
  const counts = texts.map((text) => tokenize(text).length + 1);
  if (body['truncate'] === false && counts.some((count) => count > context)) {
    throw refuse(400, 'the input length exceeds the context length');
  }
  return {
    embeddings: texts.map((text) => embed(text, dimensions)),
    tokens: counts.reduce((sum, count) => sum + Math.min(count, context), 0),
  };
}

function embed(text: string, dimensions: number): number[] {
  const sums = Array.from({ length: dimensions }, () => 1);
  for (const [place, token] of tokenize(text).entries()) {
    sums[place % dimensions] = (sums[place % dimensions] ?? 0) + token * (place + 1);
  }
  const length = Math.hypot(...sums);
  return sums.map((sum) => sum / length);
}
