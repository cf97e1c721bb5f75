import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { basename, join, relative, resolve, sep } from 'node:path';
import { type BenchPaths, benchPaths } from '../../bench/records/bench-paths.ts';
import type { BenchRecord } from '../../bench/records/records.ts';
import { doneOf, planOf, readTrials } from '../../bench/records/trials-file.ts';
import { UsageError } from '../../core/errors.ts';
import { quoteForShell } from '../../text/format.ts';

const home = 'bench-results';

/** The folder of a new bench: `-o`, else `bench-results/<date>-<name>`, with a number where that is taken. */
export async function newBenchFolder(
  asked: { output?: string; name?: string },
  defaultName: string,
): Promise<BenchPaths> {
  if (asked.output !== undefined) return emptyFolder(asked.output);
  const stem = join(home, `${new Date().toISOString().slice(0, 10)}-${slug(asked.name ?? defaultName)}`);
  for (let number = 1; ; number++) {
    const folder = number === 1 ? stem : `${stem}-${number}`;
    if ((await stat(folder).catch(() => null)) === null) return benchPaths(folder);
  }
}

/** Refuses a folder that holds other files: a bench writes and removes files of its own names there. */
async function emptyFolder(folder: string): Promise<BenchPaths> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new UsageError(`-o: ${folder} is not a readable folder`);
  });
  if (names.length === 0) return benchPaths(folder);
  if ((await readRecords(folder)).length === 0) throw new UsageError(`-o: the folder ${folder} is not empty`);
  throw new UsageError(
    `${folder} already contains a bench`,
    `Continue it: llmbatch bench --resume ${quoteForShell(folder)}. Or choose another place with -o.`,
  );
}

/**
 * A mistake of the user's leaves nothing behind, and takes nothing of another bench with it. `made`: the first folder
 * that was made on the way to this one; undefined: it was there, and empty.
 */
export async function removeUnused({ folder }: BenchPaths, made: string | undefined): Promise<void> {
  if (made === undefined) return rm(join(folder, 'inputs'), { recursive: true, force: true });
  await rm(folder, { recursive: true, force: true });
  const above = relative(resolve(made), resolve(folder)).split(sep).filter(Boolean);
  for (const [index] of above.entries())
    await rmdir(resolve(folder, ...above.slice(0, index + 1).fill('..'))).catch(() => {});
}

/** The named bench, else the newest of `bench-results` that has trials left. */
export async function benchToResume(asked: string | true): Promise<BenchPaths> {
  if (asked !== true) {
    if (planOf(await readTrials(benchPaths(asked).trials)) !== null) return benchPaths(asked);
    throw new UsageError(`the bench in ${asked} was stopped before its first trial`, 'Start it again.');
  }
  const names = await readdir(home).catch(() => []);
  const found = await Promise.all(names.map((name) => unfinished(join(home, name))));
  const [newest] = found.filter((bench) => bench !== null).toSorted((left, right) => right.changedMs - left.changedMs);
  if (newest !== undefined) return benchPaths(newest.folder);
  throw new UsageError(
    'no unfinished bench is in bench-results',
    'Name its folder, or start one with: llmbatch bench [input]',
  );
}

async function unfinished(folder: string): Promise<{ folder: string; changedMs: number } | null> {
  const records = await readRecords(folder);
  const plan = planOf(records);
  if (plan === null || doneOf(plan, records).size >= plan.trials.length) return null;
  const { mtimeMs } = await stat(benchPaths(folder).trials);
  return { folder, changedMs: mtimeMs };
}

const readRecords = (folder: string): Promise<BenchRecord[]> => readTrials(benchPaths(folder).trials).catch(() => []);

/** Makes a name for a folder out of a text: of a path, its last part. */
const slug = (text: string): string =>
  basename(text)
    .replaceAll(/[^\w.-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '') || 'bench';
