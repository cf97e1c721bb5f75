import { type FileHandle, open } from 'node:fs/promises';
import { type Column, float64Column, uint32Column } from '../core/column.ts';
import { UsageError, codeOf, messageOf } from '../core/errors.ts';
import { createIdIndex } from '../core/id-index.ts';
import { readLineBlocks } from '../core/read-lines.ts';
import { readRanges } from '../core/read-ranges.ts';
import { readAnyLine, readResultHead } from './result-head.ts';

interface Best {
  size: number;
  file: Column;
  offset: Column;
  length: Column;
  isSuccess: Column;
  line: Column;
}

/**
 * Of each id the line that counts, over several outputs: the last success, else the last failure. In the order of their
 * first appearance, or by the line numbers of the input. Memory: 40 bytes an id.
 */
export async function* readBestResults(
  paths: readonly string[],
  { byInputLine = false }: { byInputLine?: boolean } = {},
): AsyncGenerator<Buffer> {
  const handles: FileHandle[] = [];
  try {
    for (const path of paths) handles.push(await openOutputForReading(path));
    const best = await findBest(handles);
    yield* readInOrder(handles, best, orderOf(best, byInputLine));
  } finally {
    await Promise.all(handles.map((handle) => handle.close()));
  }
}

async function openOutputForReading(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw new UsageError(`no such file: ${path}`);
    throw new UsageError(`can't read ${path}: ${messageOf(error)}`);
  }
}

async function findBest(handles: readonly FileHandle[]): Promise<Best> {
  const ids = createIdIndex();
  const best: Best = {
    size: 0,
    file: uint32Column(),
    offset: float64Column(),
    length: uint32Column(),
    isSuccess: uint32Column(),
    line: uint32Column(),
  };
  for (const [file, handle] of handles.entries()) {
    for await (const lines of readLineBlocks(handle)) {
      for (const { bytes, offset, length, terminated } of lines) {
        const head = terminated ? readResultHead(bytes) : readAnyLine(bytes);
        if (head === null) continue;
        const isNew = ids.claim(head.id, best.size);
        const entry = isNew ? best.size++ : ids.find(head.id);
        const isSuccess = Number(head.kind === null);
        if (!isNew && isSuccess < best.isSuccess.get(entry)) continue;
        best.file.set(entry, file);
        best.offset.set(entry, offset);
        best.length.set(entry, length);
        best.isSuccess.set(entry, isSuccess);
        best.line.set(entry, lineOf(bytes));
      }
    }
  }
  return best;
}

const linePattern = /"llmbatch":\{"line":(\d+)/;

const lineOf = (bytes: Buffer): number => Number(linePattern.exec(bytes.toString('latin1'))?.[1] ?? 0);

function orderOf(best: Best, byInputLine: boolean): Uint32Array {
  const order = Uint32Array.from({ length: best.size }, (_, entry) => entry);
  return byInputLine
    ? order.toSorted((left, right) => best.line.get(left) - best.line.get(right) || left - right)
    : order;
}

const batchSize = 256;

async function* readInOrder(handles: readonly FileHandle[], best: Best, order: Uint32Array): AsyncGenerator<Buffer> {
  for (let from = 0; from < order.length;) {
    const file = best.file.get(order[from] ?? 0);
    let to = from + 1;
    while (to < order.length && to - from < batchSize && best.file.get(order[to] ?? 0) === file) to++;
    const ranges = [...order.subarray(from, to)].map((entry) => ({
      offset: best.offset.get(entry),
      length: best.length.get(entry),
    }));
    yield* await readRanges(handles[file]!, ranges);
    from = to;
  }
}
