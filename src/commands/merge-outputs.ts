import { randomUUID } from 'node:crypto';
import { open, rename, rm, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { JournalError, exitCodes } from '../core/errors.ts';
import { formatInteger } from '../core/format.ts';
import { readManifest } from '../journal/manifest.ts';
import { readBestResults } from '../journal/read-best-results.ts';
import { readResultHead } from '../journal/result-head.ts';
import { placesOf } from '../journal/run-places.ts';
import { toJournalError } from '../journal/write-group.ts';
import { writeStdout } from './write-stdout.ts';

export interface MergeFlags {
  output: string;
  overwrite: boolean;
  json: boolean;
}

/** `llmbatch merge`. Returns the exit code. */
export async function mergeOutputs(outputs: readonly string[], flags: MergeFlags): Promise<number> {
  const byInputLine = await comeFromOneInput(outputs);
  const lines = readBestResults(outputs, { byInputLine });
  const counts = flags.output === '-' ? await mergeTo(writeStdout, lines) : await mergeToFile(flags, lines);
  const said = flags.json
    ? JSON.stringify(counts)
    : `${formatInteger(counts.succeeded)} succeeded, ${formatInteger(counts.failed)} failed`;
  process.stderr.write(`${said}\n`);
  return counts.failed > 0 ? exitCodes.someFailed : exitCodes.ok;
}

async function comeFromOneInput(outputs: readonly string[]): Promise<boolean> {
  const manifests = await Promise.all(
    outputs.map((output) => readManifest(placesOf(output).manifest).catch(() => null)),
  );
  const inputs = new Set(manifests.map((manifest) => manifest?.input.path ?? null));
  return inputs.size === 1 && !inputs.has(null) && !inputs.has('-');
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

async function mergeToFile({ output, overwrite }: MergeFlags, lines: AsyncIterable<Buffer>): Promise<Counts> {
  const path = resolve(output);
  if (!overwrite && (await stat(path).catch(() => null)) !== null) {
    throw new JournalError(`${output} is there already`, 'Choose another -o, or replace it with --overwrite.');
  }
  const draft = `${path}.${randomUUID()}`;
  try {
    const handle = await open(draft, 'wx');
    try {
      const counts = await mergeTo((text) => handle.appendFile(text).then(() => true), lines);
      await handle.sync();
      await rename(draft, path);
      return counts;
    } finally {
      await handle.close();
    }
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    if (error instanceof Error && 'exitCode' in error) throw error;
    throw toJournalError(error, path);
  }
}
