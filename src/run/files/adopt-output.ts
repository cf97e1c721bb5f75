import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import { JournalError } from '../../core/errors.ts';
import { type Shard, shardName } from '../../data/shard.ts';
import { formatInteger, quoteForShell } from '../../text/format.ts';
import { type ResultDetails, parseResultLine } from '../../core/result-line.ts';
import { readResultLines } from '../../files/read-result-lines.ts';
import { readResultHead } from '../../journal/result-head.ts';
import type { RunInput } from '../read-input.ts';
import type { RunRequest } from '../run-request.ts';

/**
 * Says whether every whole line of the file is a result, so that it may be the output of a run whose manifest is lost.
 */
export async function holdsOnlyResults(path: string): Promise<boolean> {
  return withFile(path, async (handle) => {
    let results = 0;
    for await (const lines of readResultLines(handle)) {
      for (const { bytes, terminated } of lines) {
        // A crash may have torn the last one.
        if (!terminated) continue;
        if (readResultHead(bytes) === null) return false;
        results++;
      }
    }
    return results > 0;
  });
}

/**
 * Results without their manifest are taken up where each is of a request of this input. What is known of how they were
 * made stands in the lines: another backend or model is a drift.
 */
export async function adoptOutput(
  { paths, settings, shard = null }: RunRequest,
  { scan }: Pick<RunInput, 'scan'>,
): Promise<{ drift: string[]; note: string }> {
  const { output } = paths;
  let found = 0;
  let last: ResultDetails | null = null;
  await withFile(output, async (handle) => {
    for await (const lines of readResultLines(handle)) {
      for (const { bytes } of lines) {
        const head = readResultHead(bytes);
        if (head === null) continue;
        if (scan.table.findHere(head.id) === -1) throw isOfOther(output, shard, head.id);
        found++;
        if (head.kind === null) last = parseResultLine(bytes.toString('utf8'))?.llmbatch ?? last;
      }
    }
  });
  const drift = last === null ? [] : driftOf(last, settings);
  const note = `${output} has no manifest: its ${formatInteger(found)} results are of this input and are kept, but with which settings they were made is not known`;
  return { drift, note };
}

function driftOf(made: ResultDetails, { backend, model }: RunRequest['settings']): string[] {
  const isOtherBackend = backend !== 'auto' && backend !== made.backend;
  // A model file may have been named by another path.
  const isOtherModel = model !== null && basename(model) !== basename(made.model);
  return [
    ...(isOtherBackend ? [`--backend ${made.backend} → ${backend}`] : []),
    ...(isOtherModel ? [`--model ${made.model} → ${model}`] : []),
  ];
}

const isOfOther = (output: string, shard: Shard | null, id: string): JournalError =>
  new JournalError(
    `${output} has no manifest, and has results that are not from ${shard === null ? 'this input' : shardName(shard)}: ${JSON.stringify(id)}`,
    `Choose another place with -o, or put both together with: llmbatch merge ${quoteForShell(output)} ...`,
  );

async function withFile<Result>(path: string, use: (handle: FileHandle) => Promise<Result>): Promise<Result> {
  const handle = await open(path, 'r');
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}
