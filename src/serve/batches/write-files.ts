import { Readable } from 'node:stream';
import { addMeasured, addReported } from '../../core/measurements.ts';
import { type ResultLine, isSuccess, parseResultLine } from '../../core/result-line.ts';
import { exists } from '../../files/exists.ts';
import { readItems } from '../../input/read-items.ts';
import { openBestResults } from '../../journal/read-best-results.ts';
import { openScan } from '../../run/read-input.ts';
import type { BatchRecord, BatchUsage } from '../store/batch-record.ts';
import { newFileId } from '../store/store.ts';
import { type BatchContext, batchInput } from './batch-input.ts';
import { createBatchFile } from './batch-file-writer.ts';
import { type Unreached, failureLine, successLine, unreachedLine } from './result-lines.ts';

/** What a batch has when its files are written. */
export type WrittenFiles = Pick<BatchRecord, 'outputFileId' | 'errorFileId' | 'counts' | 'usage'>;

/**
 * Writes the output file and the error file of a batch from the journal of its run, in the order of the input. Requests without a
 * result are told as cancelled where the batch is being cancelled, else as expired, and count neither as completed nor as failed. A
 * file that would be empty is not made, and its id is null. It can be done again after a crash, and leaves one pair of files: their
 * ids are kept in the record first. Throws a `JournalError` where they can't be written, and the reason of the signal where it is
 * aborted; nothing of the files is left then.
 */
export async function writeBatchFiles(
  id: string,
  { signal, ...context }: BatchContext & { signal: AbortSignal },
): Promise<WrittenFiles> {
  const { batches, files } = context.store;
  const record = await batches.update(id, ({ outputFileId, errorFileId }) => ({
    outputFileId: outputFileId ?? newFileId(),
    errorFileId: errorFileId ?? newFileId(),
  }));
  const output = await createBatchFile(files, record, 'output');
  const errors = await createBatchFile(files, record, 'error');
  const counts = { ...record.counts, completed: 0, failed: 0 };
  const usage = createUsage();
  const unreached: Unreached = record.times.cancellingAt === null ? 'batch_expired' : 'batch_cancelled';
  try {
    for await (const result of resultsOf(record, context)) {
      signal.throwIfAborted();
      if ('line' in result) {
        await errors.add(unreachedLine(result.customId, `batch_req_${id}_${result.line}`, unreached));
      } else if (isSuccess(result)) {
        counts.completed++;
        usage.add(result);
        await output.add(successLine(result));
      } else {
        counts.failed++;
        await errors.add(failureLine(result));
      }
    }
    return { outputFileId: await output.keep(), errorFileId: await errors.keep(), counts, usage: usage.read() };
  } catch (error) {
    await Promise.all([output.discard(), errors.discard()]);
    throw error;
  }
}

/** A line of the input without a result. */
interface UnreachedLine {
  line: number;
  customId: string;
}

/** The results of a batch, and its lines that have none, in the order of the input. */
async function* resultsOf(record: BatchRecord, context: BatchContext): AsyncGenerator<ResultLine | UnreachedLine> {
  const { results } = context.store.batches.pathsOf(record.id);
  // A batch that was stopped before its run began has no journal.
  const journal = (await exists(results)) ? await openBestResults([results], { inputs: [0] }) : null;
  try {
    const lines = parsed(journal?.read() ?? []);
    const isWhole = journal !== null && journal.count >= record.counts.total;
    yield* isWhole ? lines : withUnreached(lines, context, record);
  } finally {
    await journal?.close();
  }
}

async function* parsed(lines: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<ResultLine> {
  for await (const bytes of lines) {
    const result = parseResultLine(bytes.toString('utf8'));
    if (result !== null) yield result;
  }
}

/** Both come in the order of the input, so that one pass over each is enough. */
async function* withUnreached(
  results: AsyncGenerator<ResultLine>,
  context: BatchContext,
  { id }: BatchRecord,
): AsyncGenerator<ResultLine | UnreachedLine> {
  let next = await results.next();
  for await (const request of inputLines(id, context)) {
    if (next.done === true || next.value.custom_id !== request.customId) {
      yield request;
      continue;
    }
    yield next.value;
    next = await results.next();
  }
  // Of lines that the input no longer has: an answer that was paid for is never dropped.
  if (next.done !== true) yield next.value;
  yield* results;
}

/** Reads all lines of the input as a run does, with the ids that it gives them. */
async function* inputLines(id: string, context: BatchContext): AsyncGenerator<UnreachedLine> {
  const host = { stdin: Readable.from([]), stop: new AbortController().signal };
  const { input, scan } = await openScan(batchInput(id, context), { host, previous: null });
  try {
    const scanned = input.scanInto(scan);
    while ((await scanned.next()).done !== true);
    for await (const items of readItems(input.handle, scan, rowsOf(scan.table.size)))
      for (const { read } of items) yield { line: read.line, customId: read.id };
  } finally {
    await input.close();
  }
}

function* rowsOf(size: number): Generator<number> {
  for (let row = 0; row < size; row++) yield row;
}

/** Sums the tokens of answers; a part is null where an answer does not tell it. */
function createUsage() {
  const sums: BatchUsage = { inputTokens: 0, cachedTokens: null, outputTokens: 0, reasoningTokens: null };
  return {
    add({ response }: ResultLine): void {
      const { prompt_tokens, completion_tokens, ...details } = (response?.body.usage ?? {}) as CountedUsage;
      const { cached_tokens } = details.prompt_tokens_details ?? {};
      const { reasoning_tokens } = details.completion_tokens_details ?? {};
      sums.inputTokens = addMeasured(sums.inputTokens, prompt_tokens ?? null);
      sums.outputTokens = addMeasured(sums.outputTokens, completion_tokens ?? null);
      sums.cachedTokens = addReported(sums.cachedTokens, cached_tokens ?? null);
      sums.reasoningTokens = addReported(sums.reasoningTokens, reasoning_tokens ?? null);
    },
    read: (): BatchUsage => sums,
  };
}

/** `usage` as servers write it. */
interface CountedUsage {
  prompt_tokens?: number;
  completion_tokens?: number;
  prompt_tokens_details?: { cached_tokens?: number };
  completion_tokens_details?: { reasoning_tokens?: number };
}
