import { nearest } from './nearest.ts';

/**
 * The model whose name is most like a wanted one: `smol.gguf` for `smol`, `gemma3:4b` for `google/gemma3`. Folders, owners,
 * tags and the ending .gguf count for nothing. Null where none is like it.
 */
export function nearModel(wanted: string, names: readonly string[]): string | null {
  const [stem, stems] = [stemOf(wanted), names.map(stemOf)];
  const isPart = (one: string): boolean =>
    Math.min(one.length, stem.length) >= minPart && (one.includes(stem) || stem.includes(one));
  const near = nearest(stem, stems) ?? stems.find(isPart);
  return near === undefined ? null : (names[stems.indexOf(near)] ?? null);
}

/** A shorter text is a part of too many names. */
const minPart = 3;

const stemOf = (name: string): string =>
  name
    .replace(/^.*[/\\]/, '')
    .replace(/\.gguf$/i, '')
    .replace(/:.*$/, '')
    .toLowerCase();
