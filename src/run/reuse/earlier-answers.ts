import type { FileHandle } from 'node:fs/promises';
import { type ResultLine, isSuccess, parseResultLine } from '../../core/result-line.ts';
import { float64Column, uint32Column } from '../../data/growable-array.ts';
import { createIdIndex } from '../../data/id-index.ts';
import { findRanges } from '../../files/read-ranges.ts';
import { readResultLines } from '../../files/read-result-lines.ts';
import { openOutputForReading } from '../../journal/read-best-results.ts';
import { readAnyLine, readResultHead } from '../../journal/result-head.ts';

/** What was found in an output. */
export interface FoundAnswers {
  path: string;
  /** Answers that can be taken over. */
  answers: number;
  /** Answers without a `request_hash`, as llmbatch 0.1 wrote them: what they answer is not known. */
  unknown: number;
  /** Lines that are no results, whole or torn. */
  damaged: number;
}

/** The answers of earlier outputs, by the `request_hash` of their requests. */
export interface EarlierAnswers {
  found: FoundAnswers[];
  /** The result of a request that was answered; null where there is none. The output is read again, and may have changed. */
  find: (requestHash: string) => Promise<ResultLine | null>;
  close: () => Promise<void>;
}

/**
 * Reads the outputs once, as they are at this moment, and keeps about 40 bytes of each answer: where it lies. Of several
 * with one hash the first counts. Throws a `UsageError` where an output can't be read.
 */
export async function openEarlierAnswers(paths: readonly string[]): Promise<EarlierAnswers> {
  const handles: FileHandle[] = [];
  const close = async (): Promise<void> => void (await Promise.all(handles.map((handle) => handle.close())));
  const index = createIdIndex();
  const places = { size: 0, file: uint32Column(), offset: float64Column(), length: uint32Column() };
  const add = (hash: string, file: number, { offset, length }: { offset: number; length: number }): void => {
    if (!index.claim(hash, places.size)) return;
    places.file.set(places.size, file);
    places.offset.set(places.size, offset);
    places.length.set(places.size, length);
    places.size++;
  };
  const found: FoundAnswers[] = [];
  try {
    for (const path of paths) {
      const file = handles.push(await openOutputForReading(path)) - 1;
      found.push(await readAnswers(path, handles[file]!, (hash, place) => add(hash, file, place)));
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    found,
    async find(hash) {
      const at = index.find(hash);
      if (at === -1) return null;
      const range = { offset: places.offset.get(at), length: places.length.get(at) };
      const [bytes] = await findRanges(handles[places.file.get(at)]!, [range]);
      const line = bytes == null ? null : parseResultLine(bytes.toString('utf8'));
      return line !== null && isSuccess(line) && line.llmbatch?.request_hash === hash ? line : null;
    },
    close,
  };
}

async function readAnswers(
  path: string,
  handle: FileHandle,
  onAnswer: (hash: string, place: { offset: number; length: number }) => void,
): Promise<FoundAnswers> {
  const found: FoundAnswers = { path, answers: 0, unknown: 0, damaged: 0 };
  for await (const lines of readResultLines(handle)) {
    for (const { bytes, terminated, offset, length } of lines) {
      const head = terminated ? readResultHead(bytes) : readAnyLine(bytes);
      if (head === null) found.damaged += Number(length > 0);
      if (head?.kind !== null) continue;
      const hash = requestHashIn(bytes);
      if (hash === null) found.unknown++;
      else {
        found.answers++;
        onAnswer(hash, { offset, length });
      }
    }
  }
  return found;
}

const ownPattern = /\},"error":null,"llmbatch":\{[^{}]*?"request_hash":"([0-9a-f]{32})"/;

/** The hash of a success. A row with the same keys may show another one, so that the line is parsed before it is taken. */
function requestHashIn(bytes: Buffer): string | null {
  const own = ownPattern.exec(bytes.toString('latin1'))?.[1];
  return own ?? parseResultLine(bytes.toString('utf8'))?.llmbatch?.request_hash ?? null;
}
