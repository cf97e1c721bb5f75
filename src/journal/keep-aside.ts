import { lstat, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isTaken } from '../files/exists.ts';
import { replaceFile, syncFolder } from '../files/replace-file.ts';
import { type FoundRun, findManifest } from './manifest/find-manifest.ts';
import { readManifest } from './manifest/manifest.ts';
import { type RunPaths, pathsOf } from './manifest/run-paths.ts';
import { toJournalError } from '../files/write-group.ts';

/**
 * Names for an output that is kept aside: `out.jsonl.old`, `out.jsonl.old.2` and so on. Every command takes it as an
 * output.
 */
const asideName = (output: string, number: number): string => `${output}.old${number === 1 ? '' : `.${number}`}`;

/**
 * Renames an output, with what its run keeps beside it, to the first free name aside. Resolves to that name. A crash at
 * any step leaves the old run whole, there or here: its manifest goes first, as a copy, and until another run has put
 * its own in the place, `undoAside` finds that nothing took the output's place.
 */
export async function keepAside(paths: RunPaths, found: FoundRun | null): Promise<string> {
  const aside = await freePaths(paths, found);
  try {
    if (found !== null) {
      const text = await readFile(found.manifestPath);
      await replaceFile(aside.manifest, await stat(found.manifestPath), (draft) => draft.writeFile(text));
    }
    await rename(paths.output, aside.output);
    await syncFolder(dirname(aside.output));
    if (hasSpool(found) && (await isTaken(paths.spool))) await rename(paths.spool, aside.spool);
  } catch (error) {
    throw toJournalError(error, aside.output);
  }
  return basename(aside.output);
}

/**
 * Brings a run back that was kept aside for a new one, where the new one died before its manifest was written. Takes
 * the place of the empty output that the new one may have made. Call it with the lock held.
 */
export async function undoAside(paths: RunPaths): Promise<void> {
  const there = await lstat(paths.output).catch(() => null);
  if (there !== null && !(there.isFile() && there.size === 0)) return;
  const found = await findManifest(paths).catch(() => null);
  if (found === null) return;
  for (let number = 1; await isTaken(asideName(paths.output, number)); number++) {
    const aside = pathsOf(asideName(paths.output, number));
    const manifest = await readManifest(aside.manifest).catch(() => null);
    if (manifest?.runId !== found.manifest.runId) continue;
    if (hasSpool(found) && (await isTaken(aside.spool))) await rename(aside.spool, paths.spool);
    await rename(aside.output, paths.output);
    await rm(aside.manifest, { force: true });
    await syncFolder(dirname(paths.output));
    return;
  }
}

/** Those of a manifest's `keptAside` that are names for this output kept aside, and that are still there. */
export async function findAside({ output }: RunPaths, names: readonly string[]): Promise<string[]> {
  const pattern = /^\.old(?:\.\d+)?$/;
  const stem = basename(output);
  const ours = names.filter((name) => name.startsWith(stem) && pattern.test(name.slice(stem.length)));
  const there = await Promise.all(ours.map((name) => isTaken(join(dirname(output), name))));
  return ours.filter((_name, index) => there[index]);
}

/** Removes what was kept aside, once the run that replaces it has ended well. */
export async function removeAside(paths: RunPaths, names: readonly string[]): Promise<void> {
  for (const name of await findAside(paths, names)) {
    const path = join(dirname(paths.output), name);
    // The output goes last: while it is there, the other files are found again after a crash.
    const files = [`${path}.run.json`, `${path}.run.input`, path];
    for (const file of files) {
      // A link under that name was made by another program.
      if ((await lstat(file).catch(() => null))?.isFile() === true) await rm(file, { force: true });
    }
  }
}

async function freePaths(paths: RunPaths, found: FoundRun | null): Promise<RunPaths> {
  for (let number = 1; ; number++) {
    const name = asideName(paths.output, number);
    const isFree = !(await isTaken(name)) && !(await isTaken(`${name}.run.input`));
    if (isFree && (await isFreeOrOurs(`${name}.run.json`, found))) return pathsOf(name);
  }
}

/** A crash may have left a copy of this run's own manifest there. */
async function isFreeOrOurs(path: string, found: FoundRun | null): Promise<boolean> {
  if (!(await isTaken(path))) return true;
  const manifest = await readManifest(path).catch(() => null);
  return manifest !== null && manifest.runId === found?.manifest.runId;
}

const hasSpool = (found: FoundRun | null): boolean => (found?.manifest.input.spool ?? null) !== null;
