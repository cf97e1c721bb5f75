import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type BenchPlaces, benchPlaces } from '../bench/bench-places.ts';
import type { BenchRecord } from '../bench/records.ts';
import { planOf, readTrials, trialsOf } from '../bench/trials-file.ts';
import { UsageError } from '../core/errors.ts';
import { quoteForShell } from '../core/format.ts';

const home = 'bench-results';

/** The folder of a new bench: `-o`, else `bench-results/<date>-<name>`, with a number where that is taken. */
export async function newBenchFolder(
  asked: { output?: string; name?: string },
  defaultName: string,
): Promise<BenchPlaces> {
  if (asked.output !== undefined) {
    if ((await readRecords(asked.output)).length === 0) return benchPlaces(asked.output);
    throw new UsageError(
      `${asked.output} holds a bench already`,
      `Go on with it: llmbatch bench --resume ${quoteForShell(asked.output)}. Or choose another place with -o.`,
    );
  }
  const stem = join(home, `${new Date().toISOString().slice(0, 10)}-${slug(asked.name ?? defaultName)}`);
  for (let number = 1; ; number++) {
    const folder = number === 1 ? stem : `${stem}-${number}`;
    if ((await stat(folder).catch(() => null)) === null) return benchPlaces(folder);
  }
}

/** The named bench, else the newest of `bench-results` that has trials left. */
export async function benchToResume(asked: string | true): Promise<BenchPlaces> {
  if (asked !== true) {
    if (planOf(await readTrials(benchPlaces(asked).trials)) !== null) return benchPlaces(asked);
    throw new UsageError(`the bench in ${asked} was stopped before its first trial`, 'Start it anew.');
  }
  const names = await readdir(home).catch(() => []);
  const found = await Promise.all(names.map((name) => unfinished(join(home, name))));
  const [newest] = found.filter((bench) => bench !== null).toSorted((left, right) => right.changedMs - left.changedMs);
  if (newest !== undefined) return benchPlaces(newest.folder);
  throw new UsageError(
    'no unfinished bench is in bench-results',
    'Name its folder, or start one with: llmbatch bench [input]',
  );
}

async function unfinished(folder: string): Promise<{ folder: string; changedMs: number } | null> {
  const records = await readRecords(folder);
  const plan = planOf(records);
  if (plan === null || trialsOf(records).length >= plan.trials.length) return null;
  const { mtimeMs } = await stat(benchPlaces(folder).trials);
  return { folder, changedMs: mtimeMs };
}

const readRecords = (folder: string): Promise<BenchRecord[]> => readTrials(benchPlaces(folder).trials).catch(() => []);

/** What a folder may be called: of a path its last part. */
const slug = (text: string): string =>
  basename(text)
    .replaceAll(/[^\w.-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '') || 'bench';
