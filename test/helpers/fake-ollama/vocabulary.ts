import { recordedBody } from './recordings.ts';

interface ShownModel {
  model_info: Record<string, unknown>;
  [field: string]: unknown;
}

/** `/api/show` of tiny-scorer with `verbose: true`. */
export const shownModel = recordedBody('show-verbose') as ShownModel;

const texts = shownModel.model_info['tokenizer.ggml.tokens'] as string[];
const types = shownModel.model_info['tokenizer.ggml.token_type'] as number[];
const controlType = 3;
const userDefinedType = 4;

export const beginOfText = 1;
export const endOfTurn = 4;

/** Whole texts first, the longest before the others, as llama.cpp cuts them out; the rest is characters and bytes. */
const whole = texts
  .map((text, id) => ({ text, id, type: types[id] }))
  .filter(({ type }) => type === userDefinedType || type === controlType)
  .toSorted((a, b) => b.text.length - a.text.length);
const ids = new Map(texts.map((text, id) => [text, id]));

/** The tokens of a text without a leading BOS. The counts are those of the real model. */
export function tokenize(text: string): number[] {
  let parts: (string | number)[] = [text];
  for (const token of whole) parts = parts.flatMap((part) => cutOut(part, token));
  return parts.flatMap((part) => (typeof part === 'number' ? [part] : Array.from(part).flatMap(charactersOf)));
}

/** The text of a token as logprobs show it. */
export const textOf = (id: number): string => texts[id]?.replaceAll('▁', ' ') ?? '';

/** What a token says. A character that the vocabulary lacks is several tokens, one a byte. */
export function bytesOf(id: number): Buffer {
  const text = texts[id] ?? '';
  const byte = /^<0x(..)>$/.exec(text)?.[1];
  if (byte !== undefined) return Buffer.from(byte, 'hex');
  return Buffer.from(types[id] === controlType ? '' : text.replaceAll('▁', ' '));
}

function cutOut(part: string | number, token: { text: string; id: number }): (string | number)[] {
  if (typeof part === 'number' || !part.includes(token.text)) return [part];
  return part
    .split(token.text)
    .flatMap((piece, index) => [...(index > 0 ? [token.id] : []), ...(piece ? [piece] : [])]);
}

function charactersOf(character: string): number[] {
  const known = ids.get(character === ' ' ? '▁' : character);
  if (known !== undefined) return [known];
  return [...Buffer.from(character)].map((byte) => byte + 5);
}
