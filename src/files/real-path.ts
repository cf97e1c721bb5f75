import { readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** As many links as Linux follows in one path. */
const maxLinks = 40;

/**
 * The one name of a file, whichever links lead to it, also where it is not there yet: two names of one output must meet
 * at one lock. A path that can't be looked at stays as it is; whoever opens it says why.
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

/** Where a link leads whose target is not there; null for anything else. */
function readLink(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
