import { rename, rm } from 'node:fs/promises';
import { isTaken } from '../../files/exists.ts';
import { JournalError, codeOf } from '../../core/errors.ts';
import { draftPathOf } from '../../files/replace-file.ts';
import { findAside, keepAside, removeAside } from '../../journal/keep-aside.ts';
import type { Manifest } from '../../journal/manifest/manifest.ts';
import type { RunPaths } from '../../journal/manifest/run-paths.ts';
import { toJournalError } from '../../files/write-group.ts';
import type { Replaced } from './open-manifest.ts';
import type { RunHost } from '../run-request.ts';

/** A run that is to take the place of another one, and does not touch anything of it before `take`. */
export interface Replacement {
  /** Path at which standard input is kept until the place is taken. */
  spool: string;
  take: (manifest: Manifest) => Promise<void>;
  /** Removes what was made for the case that nothing was taken. */
  giveUp: () => Promise<void>;
}

export function prepareReplacement(
  { found, hasResults }: Replaced,
  paths: RunPaths,
  { notify }: Pick<RunHost, 'notify'>,
): Replacement {
  const spool = draftPathOf(paths.spool);
  const isSpoolOurs = (found?.manifest.input.spool ?? null) !== null;
  return {
    spool,
    async take(manifest) {
      if (!isSpoolOurs && (await isTaken(spool)) && (await isTaken(paths.spool))) {
        throw new JournalError(
          `${paths.spool} has the name of the copy of standard input, but llmbatch did not write it`,
          'Choose another place with -o, or move that file away.',
        );
      }
      if (hasResults) {
        const name = await keepAside(paths, found);
        manifest.keptAside.push(name);
        const text = `what was in ${paths.output} is kept as ${name} until this run has ended well`;
        notify({ topic: 'kept-aside', text });
      }
      await rename(spool, paths.spool).catch((error: unknown) => {
        if (codeOf(error) === 'ENOENT') return isSpoolOurs ? rm(paths.spool, { force: true }) : undefined;
        throw toJournalError(error, paths.spool);
      });
    },
    // A draft that can't be removed is taken away by the next run.
    giveUp: () => rm(spool, { force: true }).catch(() => undefined),
  };
}

/**
 * Removes the earlier run that this one took the place of, if every request was answered; else it stays, and the user
 * is told. To be called at the end of a run.
 */
export async function endReplacement(
  manifest: Manifest,
  paths: RunPaths,
  { notify, failed }: Pick<RunHost, 'notify'> & { failed: number },
): Promise<void> {
  const endedWell = manifest.state === 'finished' && failed === 0;
  // A file that can't be removed stays; the run itself has ended well.
  if (endedWell) await removeAside(paths, manifest.keptAside).catch(() => undefined);
  const left = await findAside(paths, manifest.keptAside);
  manifest.keptAside = left;
  if (left.length === 0) return;
  notify({ topic: 'kept-aside', text: `what was in ${paths.output} before is still kept: ${left.join(', ')}` });
}
