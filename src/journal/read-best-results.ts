import { type FileHandle, open, stat } from 'node:fs/promises';
import { type GrowableArray, float64Column, uint32Column } from '../data/growable-array.ts';
import { UsageError, codeOf, messageOf } from '../core/errors.ts';
import { createIdIndex } from '../data/id-index.ts';
import type { RawLine } from '../files/read-lines.ts';
import { type ByteRange, readEachRange } from '../files/read-ranges.ts';
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
  { inputs = [], onLeftOut = () => undefined }: BestResultsOptions = {},
): Promise<BestResults> {
  const handles: FileHandle[] = [];
  const close = async (): Promise<void> => void (await Promise.all(handles.map((handle) => handle.close())));
  try {
    for (const path of paths) handles.push(await openOutputForReading(path));
    const outputs = handles.map((handle, file) => ({ handle, path: paths[file] ?? '', input: inputs[file] ?? null }));
    const best = await findBest(outputs, onLeftOut);
    const order = orderOf(best, inputs, paths.length);
    return { count: best.size, read: () => readInOrder(handles, best, order), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openOutputForReading(path: string): Promise<FileHandle> {
  try {
    if ((await stat(path)).isDirectory())
      throw new UsageError(`${path} is a folder`, 'Name the results that lie in it.');
    return await open(path, 'r');
  } catch (error) {
    if (error instanceof UsageError) throw error;
    if (codeOf(error) === 'ENOENT') throw new UsageError(`no such file: ${path}`);
    throw new UsageError(`can't read ${path}: ${messageOf(error)}`);
  }
}

interface Output {
  handle: FileHandle;
  path: string;
  input: number | null;
}

async function findBest(outputs: readonly Output[], onLeftOut: (raw: RawLine) => void): Promise<Best> {
  const ids = createIdIndex();
  const best: Best = {
    size: 0,
    file: uint32Column(),
    offset: float64Column(),
    length: uint32Column(),
    isSuccess: uint32Column(),
    line: uint32Column(),
  };
  for (const [file, { handle, path }] of outputs.entries()) {
    const counts = { results: 0, leftOut: 0 };
    for await (const lines of readResultLines(handle)) {
      for (const raw of lines) {
        const head = raw.terminated ? readResultHead(raw.bytes) : readAnyLine(raw.bytes);
        if (head === null) {
          counts.leftOut++;
          onLeftOut(raw);
          continue;
        }
        counts.results++;
        const entry = ids.claim(head.id, best.size) ? best.size : ids.find(head.id);
        if (entry < best.size) checkShared(outputs, { head, file, other: best.file.get(entry) });
        noteResult(best, entry, { head, raw, file });
      }
    }
    if (counts.results === 0 && counts.leftOut > 0) {
      throw new UsageError(`${path} holds no result`, 'Name outputs of llmbatch, not their inputs.');
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

async function* readInOrder(handles: readonly FileHandle[], best: Best, order: Uint32Array): AsyncGenerator<Buffer> {
  for (let from = 0; from < order.length;) {
    const file = best.file.get(order[from] ?? 0);
    let to = from + 1;
    while (to < order.length && best.file.get(order[to] ?? 0) === file) to++;
    yield* readEachRange(handles[file]!, rangesOf(best, order.subarray(from, to)));
    from = to;
  }
}

function* rangesOf(best: Best, entries: Uint32Array): Generator<ByteRange> {
  for (const entry of entries) yield { offset: best.offset.get(entry), length: best.length.get(entry) };
}
