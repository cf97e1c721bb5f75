import { lstat, stat } from 'node:fs/promises';

const succeeds = (look: Promise<unknown>): Promise<boolean> =>
  look.then(
    () => true,
    () => false,
  );

/** Says whether the file that the path leads to exists; links are followed. */
export const exists = (path: string): Promise<boolean> => succeeds(stat(path));

/** Says whether the name is taken by anything, even by a link that leads nowhere. */
export const isTaken = (path: string): Promise<boolean> => succeeds(lstat(path));
