import { askForNearFile } from '../files/near-file.ts';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { type GrowableArray, float64Column, uint32Column } from '../data/growable-array.ts';
import { UsageError, codeOf, systemReason } from '../core/errors.ts';
import { createIdIndex } from '../data/id-index.ts';
import type { RawLine } from '../files/read-lines.ts';
import { groupBy } from '../data/group-by.ts';
import { type ByteRange, readRangesInAnyOrder } from '../files/read-ranges.ts';
import { readResultLines } from '../files/read-result-lines.ts';
import { type ResultHead, readAnyLine, readResultHead } from './result-head.ts';

/** For each id, in the order of their first appearance, where the line that counts lies. */
interface Best {
  size: number;
  file: GrowableArray;
  offset: GrowableArray;
  length: GrowableArray;
  isSuccess: GrowableArray;
  line: GrowableArray;
}

export interface BestResultsOptions {
  /** For each output a number that stands for the input that it answers; null where the input is not known. */
  inputs?: readonly (number | null)[];
  /** Called for each line that is not a result, and is left out. */
  onLeftOut?: (raw: RawLine) => void;
  /** Called once for each id that has a result. */
  onRequest?: ((id: string) => void) | undefined;
}

/**
 * Reads for each id the line that counts over several outputs: the last success, else the last failure. They come in the order
 * of the input where all outputs answer the same one, else in the order of their first appearance. Takes 40 bytes of memory for
 * each id. Throws a `UsageError` where an output can't be read, or where ids of different inputs can't be told apart.
 */
export async function* readBestResults(paths: readonly string[], options?: BestResultsOptions): AsyncGenerator<Buffer> {
  const results = await openBestResults(paths, options);
  try {
    yield* results.read();
  } finally {
    await results.close();
  }
}

/** Results that can be read several times, each time the same, whatever becomes of the outputs meanwhile. */
export interface BestResults {
  count: number;
  read: () => AsyncGenerator<Buffer>;
  close: () => Promise<void>;
}

/** Opens what `readBestResults` reads. */
export async function openBestResults(
  paths: readonly string[],
  { inputs = [], ...listeners }: BestResultsOptions = {},
): Promise<BestResults> {
  const handles: FileHandle[] = [];
  const close = async (): Promise<void> => void (await Promise.all(handles.map((handle) => handle.close())));
  try {
    for (const path of paths) handles.push(await openOutputForReading(path));
    const outputs = handles.map((handle, file) => ({ handle, path: paths[file] ?? '', input: inputs[file] ?? null }));
    const best = await findBest(outputs, listeners);
    const order = orderOf(best, inputs, paths.length);
    return { count: best.size, read: () => readInOrder(handles, best, order), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Opens an output to be read. Throws a `UsageError` where it is not there, or is no file. */
export async function openOutputForReading(path: string): Promise<FileHandle> {
  try {
    if ((await stat(path)).isDirectory())
      throw new UsageError(`${path} is a folder`, 'Name the results that lie in it.');
    return await open(path, 'r');
  } catch (error) {
    if (error instanceof UsageError) throw error;
    if (codeOf(error) === 'ENOENT')
      throw new UsageError(
        `no such file: ${path}`,
        (await askForNearFile(path)) ?? 'Name the output of a run; llmbatch status shows the last one.',
      );
    throw new UsageError(`can't read ${path}: ${systemReason(error)}`);
  }
}

interface Output {
  handle: FileHandle;
  path: string;
  input: number | null;
}

async function findBest(
  outputs: readonly Output[],
  { onLeftOut, onRequest }: Pick<BestResultsOptions, 'onLeftOut' | 'onRequest'>,
): Promise<Best> {
  const ids = createIdIndex();
  const best: Best = {
    size: 0,
    file: uint32Column(),
    offset: float64Column(),
    length: uint32Column(),
    isSuccess: uint32Column(),
    line: uint32Column(),
  };
  /** Says whether the line is a result. */
  const add = (raw: RawLine, file: number): boolean => {
    const head = raw.terminated ? readResultHead(raw.bytes) : readAnyLine(raw.bytes);
    if (head === null) {
      onLeftOut?.(raw);
      return false;
    }
    const entry = ids.claim(head.id, best.size) ? best.size : ids.find(head.id);
    if (entry < best.size) checkShared(outputs, { head, file, other: best.file.get(entry) });
    else onRequest?.(head.id);
    noteResult(best, entry, { head, raw, file });
    return true;
  };
  for (const [file, { handle, path }] of outputs.entries()) {
    const counts = { results: 0, leftOut: 0 };
    for await (const lines of readResultLines(handle)) {
      for (const raw of lines) counts[add(raw, file) ? 'results' : 'leftOut']++;
    }
    if (counts.results === 0 && counts.leftOut > 0) {
      throw new UsageError(`${path} contains no result`, 'Name outputs of llmbatch, not their inputs.');
    }
  }
  return best;
}

interface Found {
  head: ResultHead;
  raw: RawLine;
  file: number;
}

function noteResult(best: Best, entry: number, { head, raw, file }: Found): void {
  const isSuccess = Number(head.kind === null);
  if (entry === best.size) best.size++;
  else if (isSuccess < best.isSuccess.get(entry)) return;
  best.file.set(entry, file);
  best.offset.set(entry, raw.offset);
  best.length.set(entry, raw.length);
  best.isSuccess.set(entry, isSuccess);
  best.line.set(entry, head.line);
}

/** Throws where two results share an id that is only the number of a line, and their inputs differ: they are of other requests. */
function checkShared(
  outputs: readonly Output[],
  { head, file, other }: Pick<Found, 'head' | 'file'> & { other: number },
): void {
  const [one, two] = [outputs[other]!, outputs[file]!];
  const isOtherInput = one.input !== null && two.input !== null && one.input !== two.input;
  // A line that never became a request may have no id to give.
  if (!isOtherInput || head.kind === 'input' || head.id !== `line-${head.line}`) return;
  throw new UsageError(
    `${one.path} and ${two.path} answer different inputs, whose rows have no ids: each has a "${head.id}"`,
    'One of the two results would be lost. Give every row an "id" of its own and run again, or keep the outputs apart.',
  );
}

/** By the lines of the input, where the outputs answer one; an output of unknown inputs tells by its lines whether it does. */
function orderOf(best: Best, inputs: readonly (number | null)[], outputs: number): Uint32Array {
  const order = Uint32Array.from({ length: best.size }, (_, entry) => entry);
  const isKnown = new Set(inputs).size === 1 && inputs[0] !== null;
  if (!isKnown && outputs > 1) return order;
  const lineOf = (entry: number): number => best.line.get(entry);
  const byLine = order.toSorted((left, right) => lineOf(left) - lineOf(right) || left - right);
  const isOneInput = isKnown || byLine.every((entry, at) => lineOf(entry) > (at === 0 ? 0 : lineOf(byLine[at - 1]!)));
  return isOneInput ? byLine : order;
}

/**
 * Reads the lines of a batch from each file in the order in which they lie there: of shards, each file has a line here
 * and there in the order of the input.
 */
async function* readInOrder(handles: readonly FileHandle[], best: Best, order: Uint32Array): AsyncGenerator<Buffer> {
  for (const batch of batchesOf(best, order)) {
    const lines: Buffer[] = Array.from({ length: batch.length });
    for (const [file, places] of groupBy(batch.keys(), (place) => best.file.get(batch[place]!))) {
      const ranges = places.map((place) => rangeOf(best, batch[place]!));
      const read = await readRangesInAnyOrder(handles[file]!, ranges);
      for (const [at, place] of places.entries()) lines[place] = read[at]!;
    }
    yield* lines;
  }
}

const batchLines = 1024;
const batchBytes = 4 * 1024 * 1024;

/** So many entries at a time that their lines fit into a few megabytes, but for one long line. */
function* batchesOf(best: Best, order: Uint32Array): Generator<Uint32Array> {
  let from = 0;
  let bytes = 0;
  for (let at = 0; at < order.length; at++) {
    bytes += best.length.get(order[at]!);
    if (at - from < batchLines && (bytes <= batchBytes || at === from)) continue;
    yield order.subarray(from, at);
    from = at;
    bytes = best.length.get(order[at]!);
  }
  if (from < order.length) yield order.subarray(from);
}

const rangeOf = (best: Best, entry: number): ByteRange => ({
  offset: best.offset.get(entry),
  length: best.length.get(entry),
});
