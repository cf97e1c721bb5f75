import { lstat, stat } from 'node:fs/promises';

const succeeds = (look: Promise<unknown>): Promise<boolean> =>
  look.then(
    () => true,
    () => false,
  );

/** Is there what the path leads to, through links? */
export const exists = (path: string): Promise<boolean> => succeeds(stat(path));

/** Does anything have this name, be it a link that leads nowhere? */
export const isTaken = (path: string): Promise<boolean> => succeeds(lstat(path));
