import { readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** Number of links that Linux follows in one path. */
const maxLinks = 40;

/**
 * Resolves links to the one real path of a file, also where the file does not exist yet: two names of one output must
 * meet at one lock. A path that can't be read stays as it is; opening it will say why.
 */
export function realPathOf(path: string, linksLeft = maxLinks): string {
  const absolute = resolve(path);
  try {
    return realpathSync.native(absolute);
  } catch {
    const folder = dirname(absolute);
    if (folder === absolute) return absolute;
    const place = join(realPathOf(folder, linksLeft), basename(absolute));
    const target = linksLeft > 0 ? readLink(place) : null;
    return target === null ? place : realPathOf(resolve(dirname(place), target), linksLeft - 1);
  }
}

/** Path that a link leads to where its target does not exist; null for anything else. */
function readLink(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
