import { oneLine } from '../../text/one-line.ts';

/** Looks at the name of the model that an answer says it is of. */
export type ModelWatch = (asked: string, answered: unknown) => void;

/** Maximum number of notices about a server that answers under other model names. */
const maxNotices = 3;

/**
 * Tells once where answers are of a model with quite another name than the one asked for: a server may have another one
 * loaded, or a router may have chosen. Servers write the same name in many ways, so only one that does not resemble is
 * told.
 */
export function createModelWatch(onNotice: (text: string) => void): ModelWatch {
  const seen = new Set<string>();
  return (asked, answered) => {
    if (typeof answered !== 'string' || answered === '' || answered === asked || seen.size >= maxNotices) return;
    const name = oneLine(answered.slice(0, 200));
    if (seen.has(name) || resembles(asked, answered)) return;
    seen.add(name);
    onNotice(
      `warning: the server says that its answers are of the model ${name}, where ${oneLine(asked)} is asked for`,
    );
  };
}

/**
 * `gpt-4o` answers as `gpt-4o-2024-08-06`, `openai/gpt-4o` or `models/gpt-4o`; a file by its path; a model without its
 * tag.
 */
function resembles(asked: string, answered: string): boolean {
  const [left, right] = [barName(asked), barName(answered)];
  return left.includes(right) || right.includes(left);
}

/** The last part of a path, without the tag, the ending of a file, and what separates its words. */
const barName = (name: string): string =>
  (name.slice(-300).split(/[/\\]/).at(-1) ?? '')
    .toLowerCase()
    .replace(/[:@].*$/, '')
    .replace(/\.gguf$/, '')
    .replaceAll(/[^\p{L}\p{N}]/gu, '');
