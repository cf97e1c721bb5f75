import { type FileHandle, stat } from 'node:fs/promises';
import { JournalError, UsageError, exitCodes } from '../../core/errors.ts';
import { formatInteger, quoteForShell } from '../../text/format.ts';
import { jsonVersion } from '../../text/snake-keys.ts';
import { removeDrafts, replaceFile } from '../../files/replace-file.ts';
import { acquireLock } from '../../journal/lock.ts';
import { readBestResults } from '../../journal/read-best-results.ts';
import { readResultHead } from '../../journal/result-head.ts';
import { pathsOf } from '../../journal/manifest/run-paths.ts';
import { checkShards } from './check-shards.ts';
import { type MergedOutput, findOutputs, numberInputs } from './outputs.ts';
import { createShardCounter, describeShards } from './shard-counts.ts';
import { endOnSignals } from '../shared/end-on-signals.ts';
import { withScratchFolder } from '../shared/scratch-paths.ts';
import { tell, tellJson } from '../shared/print.ts';
import { writeStdout } from '../shared/write-stdout.ts';

export interface MergeFlags {
  output: string;
  overwrite: boolean;
  allowDrift: boolean;
  json: boolean;
}

/** `llmbatch merge`. Returns the exit code. */
export function mergeOutputs(paths: readonly string[], flags: MergeFlags): Promise<number> {
  refuseTable(flags.output);
  return withScratchFolder(async (scratch) => mergeFound(await findOutputs(paths, scratch), flags));
}

async function mergeFound(outputs: readonly MergedOutput[], flags: MergeFlags): Promise<number> {
  const paths = outputs.map(({ path }) => path);
  const drift = checkShards(outputs, flags.allowDrift);
  const shards = createShardCounter(outputs);
  let leftOut = outputs.reduce((sum, output) => sum + output.leftOut, 0);
  const lines = readBestResults(
    outputs.map(({ file }) => file),
    {
      inputs: numberInputs(outputs),
      onLeftOut: () => leftOut++,
      onRequest: shards?.add,
    },
  );
  const counts = flags.output === '-' ? await mergeTo(writeStdout, lines) : await mergeToFile(paths, flags, lines);
  const report = shards?.report() ?? null;
  const problems = report === null ? [] : describeShards(report);
  if (flags.json)
    tellJson({
      schema_version: jsonVersion,
      ...counts,
      left_out: leftOut,
      ...(report === null ? {} : { shards: report, drift }),
    });
  else for (const text of [describe(counts, leftOut), ...drift, ...problems]) tell(text);
  return counts.failed + problems.length > 0 ? exitCodes.someFailed : exitCodes.ok;
}

/** A table by its name would be JSONL. */
function refuseTable(output: string): void {
  if (!/\.(?:csv|tsv|parquet|md)$/i.test(output)) return;
  throw new UsageError(
    `merge writes JSONL, and ${output} is named as a table`,
    `Merge into all.jsonl, then: llmbatch export all.jsonl -o ${quoteForShell(output)}`,
  );
}

function describe({ succeeded, failed }: Counts, leftOut: number): string {
  const rest = leftOut === 0 ? '' : `; skipped, because they are not results: ${formatInteger(leftOut)} lines`;
  return `${formatInteger(succeeded)} succeeded, ${formatInteger(failed)} failed${rest}`;
}

interface Counts {
  succeeded: number;
  failed: number;
}

const blockLength = 256 * 1024;

async function mergeTo(write: (text: string) => Promise<boolean>, lines: AsyncIterable<Buffer>): Promise<Counts> {
  const counts = { succeeded: 0, failed: 0 };
  let block = '';
  for await (const line of lines) {
    if (readResultHead(line)?.kind === null) counts.succeeded++;
    else counts.failed++;
    block += `${line.toString('utf8')}\n`;
    if (block.length < blockLength) continue;
    if (!(await write(block))) return counts;
    block = '';
  }
  await write(block);
  return counts;
}

/** Under the lock of the output: a run may be writing it. */
async function mergeToFile(
  outputs: readonly string[],
  { output, overwrite }: MergeFlags,
  lines: AsyncIterable<Buffer>,
): Promise<Counts> {
  const path = pathsOf(output).output;
  const found = await stat(path).catch(() => null);
  if (found !== null && !found.isFile()) throw new JournalError(`${output} is not a regular file`);
  if (found !== null && !overwrite) {
    throw new JournalError(`${output} already exists`, 'Choose another -o, or replace it with --overwrite.');
  }
  const lock = await acquireLock(path);
  const leaveNothing = async (): Promise<void> => {
    await removeDrafts(path);
    await lock.release();
  };
  try {
    await removeDrafts(path);
    // A new file may be read by those only who may read all that comes into it.
    const rights = found ?? { mode: await commonMode(outputs) };
    const write = (draft: FileHandle): Promise<Counts> =>
      mergeTo((text) => draft.appendFile(text).then(() => true), lines);
    return await endOnSignals(leaveNothing, () => replaceFile(path, rights, write));
  } finally {
    await lock.release();
  }
}

async function commonMode(paths: readonly string[]): Promise<number> {
  const found = await Promise.all(paths.map((path) => stat(path).catch(() => null)));
  return found.reduce((mode, file) => mode & (file?.mode ?? mode), 0o666 & ~process.umask());
}
