import { readdir } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { editDistance, nearest } from '../text/nearest.ts';

/**
 * Asks whether a file was meant whose name is almost that of `path`, with the same ending and in the same folder:
 * `Did you mean applicants.csv?`. Null where there is none.
 */
export async function askForNearFile(path: string): Promise<string | null> {
  const ending = extname(path);
  const stem = basename(path, ending);
  const names = await readdir(dirname(path)).catch(() => []);
  const near = nearest(
    stem,
    names.filter((name) => extname(name) === ending).map((name) => basename(name, ending)),
  );
  // Two letters may have changed places; of a short name that is too much.
  const maxDistance = stem.length < 5 ? Math.floor(stem.length / 3) : Math.max(2, Math.floor(stem.length / 4));
  if (near === null || editDistance(stem, near) > maxDistance) return null;
  return `Did you mean ${join(dirname(path), `${near}${ending}`)}?`;
}
