import { UsageError, messageOf } from '../../core/errors.ts';
import { printable } from '../../text/printable.ts';
import { maxLineBytes } from '../../files/read-lines.ts';
import { describeJsonError } from '../describe-json-error.ts';

/** One JSON array of records, or JSON objects one after the other, whatever lines they lie on. */
export type JsonForm = 'array' | 'objects';

const [lineFeed, carriageReturn, quote, backslash, comma] = [0x0a, 0x0d, 0x22, 0x5c, 0x2c];
const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d];
const space = 0x20;
const isSpace = (byte: number): boolean =>
  byte === space || byte === 0x09 || byte === lineFeed || byte === carriageReturn;

/** What may come between two records. */
type Expected = 'array' | 'first' | 'record' | 'separator' | 'nothing';

/**
 * Turns the records of a JSON file into JSONL: record n is line n. Memory stays at a piece of the file and the longest
 * record. Throws a `UsageError` with the place where the file is not JSON: nothing of such a file is to be sent.
 * The pieces are changed: line ends inside a record become spaces.
 */
export async function* jsonToJsonl(bytes: AsyncIterable<Buffer>, form: JsonForm, name: string): AsyncGenerator<Buffer> {
  const splitter = createJsonSplitter(form, name);
  for await (const piece of bytes) {
    const records = splitter.add(piece);
    if (records.length > 0) yield Buffer.concat(records.flatMap((record) => [record, lineEnd]));
  }
  splitter.finish();
}

const lineEnd = Buffer.from('\n');

interface JsonSplitter {
  /** The records that the piece completes. */
  add: (piece: Buffer) => Buffer[];
  /** To be called at the end of the file: throws where it ends in the middle. */
  finish: () => void;
}

function createJsonSplitter(form: JsonForm, name: string): JsonSplitter {
  const state: State = {
    form,
    name,
    expected: form === 'array' ? 'array' : 'record',
    open: [],
    isInText: false,
    isEscaped: false,
    isBare: false,
    records: 0,
    line: 1,
    startLine: 1,
    kept: [],
    keptBytes: 0,
  };
  return {
    add(piece) {
      const records: Buffer[] = [];
      for (let at = 0; at < piece.length;) {
        const isInside = state.isInText || state.isBare || state.open.length > 0;
        at = isInside ? readInside(state, piece, { at, start: at }, records) : readBetween(state, piece, at, records);
      }
      return records;
    },
    finish: () => finish(state),
  };
}

interface State {
  form: JsonForm;
  name: string;
  expected: Expected;
  /** The closing brackets that the record still needs, the innermost last: each lies two behind its opening one. */
  open: number[];
  isInText: boolean;
  /** The next byte of the text stands behind a backslash. */
  isEscaped: boolean;
  /** The record is a number or a word. */
  isBare: boolean;
  records: number;
  line: number;
  /** Line on which the record starts. */
  startLine: number;
  /** The record so far, of earlier pieces. */
  kept: Buffer[];
  keptBytes: number;
}

/** Reads up to the start of a record, or to the end of the piece; returns where it stopped. */
function readBetween(state: State, piece: Buffer, from: number, records: Buffer[]): number {
  for (let at = from; at < piece.length; at++) {
    const byte = piece[at]!;
    if (byte === lineFeed) state.line++;
    if (isSpace(byte) || takeSeparator(state, byte)) continue;
    startRecord(state, byte);
    return readInside(state, piece, { at, start: at }, records);
  }
  return piece.length;
}

/** Signs that may stand between two records, and what may follow them. */
const separators: Record<Expected, Partial<Record<number, Expected>>> = {
  array: { [openList]: 'first' },
  first: { [closeList]: 'nothing' },
  record: {},
  separator: { [comma]: 'record', [closeList]: 'nothing' },
  nothing: {},
};

/** Takes a bracket of the array, or a comma; false where a record starts. */
function takeSeparator(state: State, byte: number): boolean {
  const { expected } = state;
  const next = separators[expected][byte];
  if (next !== undefined) {
    state.expected = next;
    return true;
  }
  const mayStart = expected === 'first' || expected === 'record';
  if (!mayStart || byte === comma || byte === closeList) throw misplaced(state, byte);
  return false;
}

function startRecord(state: State, byte: number): void {
  if (state.form === 'objects' && byte !== openObject) throw misplaced(state, byte);
  state.startLine = state.line;
  state.isBare = byte !== openObject && byte !== openList && byte !== quote;
}

/** Reads on in a record to its end, or to the end of the piece; returns where it stopped. */
function readInside(state: State, piece: Buffer, from: { at: number; start: number }, records: Buffer[]): number {
  const { start } = from;
  let { at } = from;
  while (at < piece.length) {
    if (state.isInText) {
      at = skipText(state, piece, at);
    } else if (state.isBare) {
      const byte = piece[at]!;
      if (isSpace(byte) || byte === comma || byte === closeList) return endRecord(state, piece, [start, at], records);
      at++;
      continue;
    } else {
      at = skipStructure(state, piece, at);
    }
    const isWhole = !state.isInText && state.open.length === 0;
    if (isWhole) return endRecord(state, piece, [start, at], records);
  }
  keep(state, piece.subarray(start));
  return at;
}

/** Goes on to the byte behind the next quote, or behind the record. */
function skipStructure(state: State, piece: Buffer, from: number): number {
  for (let at = from; at < piece.length; at++) {
    const byte = piece[at]!;
    if (byte === quote) {
      state.isInText = true;
      return at + 1;
    }
    if (byte === openObject || byte === openList) state.open.push(byte + 2);
    else if (byte === closeObject || byte === closeList) {
      if (state.open.pop() !== byte) throw brokenRecord(state, 'its brackets do not match');
      if (state.open.length === 0) return at + 1;
    } else if (byte < 0x20) joinLines(state, piece, at);
  }
  return piece.length;
}

/** A record is to be one line: a line end between its tokens becomes a space. */
function joinLines(state: State, piece: Buffer, at: number): void {
  if (piece[at] === lineFeed) state.line++;
  if (piece[at] === lineFeed || piece[at] === carriageReturn) piece[at] = space;
}

/** Goes on to the byte behind the text's closing quote. */
function skipText(state: State, piece: Buffer, from: number): number {
  for (let at = from; at < piece.length; at++) {
    const byte = piece[at]!;
    if (state.isEscaped) state.isEscaped = false;
    else if (byte === backslash) state.isEscaped = true;
    else if (byte === quote) {
      state.isInText = false;
      return at + 1;
    }
  }
  return piece.length;
}

function endRecord(state: State, piece: Buffer, [start, end]: [number, number], records: Buffer[]): number {
  const last = piece.subarray(start, end);
  const record = state.kept.length === 0 ? last : Buffer.concat([...state.kept, last]);
  checkRecord(state, record);
  records.push(record);
  state.records++;
  state.kept = [];
  state.keptBytes = 0;
  state.isBare = false;
  state.expected = state.form === 'array' ? 'separator' : 'record';
  return end;
}

/** The brackets of a record are found without its commas and colons being read. */
function checkRecord(state: State, record: Buffer): void {
  const text = record.toString('latin1');
  try {
    JSON.parse(text);
  } catch (error) {
    throw brokenRecord(state, describeJsonError(text, messageOf(error)));
  }
}

function keep(state: State, piece: Buffer): void {
  state.kept.push(piece);
  state.keptBytes += piece.length;
  if (state.keptBytes > maxLineBytes) {
    throw brokenRecord(state, 'it is longer than 64 MB, or one of its quotes or brackets is never closed');
  }
}

function finish(state: State): void {
  const { form, expected, records } = state;
  if (state.open.length > 0 || state.isInText || state.isBare)
    throw brokenRecord(state, 'the file ends in the middle of it');
  if (form === 'array' && expected !== 'nothing') {
    throw broken(state, `it ends after ${records} records, without the closing ]`, state.line);
  }
}

function misplaced(state: State, byte: number): UsageError {
  const { form, expected, records, line } = state;
  const sign = byte > 0x20 && byte < 0x7f ? JSON.stringify(String.fromCodePoint(byte)) : 'something';
  const after = records === 0 ? 'at its beginning' : `after record ${records}`;
  if (form === 'objects') return broken(state, `${sign} is ${after}, where the next { should be`, line);
  if (expected === 'nothing') return broken(state, `${sign} is after its closing ]`, line);
  if (expected === 'separator') return broken(state, `${sign} is ${after}, where a comma or ] should be`, line);
  return broken(state, `${sign} is ${after}, where the next record should be`, line);
}

const brokenRecord = (state: State, reason: string): UsageError =>
  broken(state, `record ${state.records + 1} is wrong: ${reason}`, state.startLine);

function broken({ form, name }: State, reason: string, line: number): UsageError {
  const what = form === 'array' ? 'JSON array' : 'row of JSON objects';
  return new UsageError(
    `${name} is not a complete ${what} (line ${line}): ${printable(reason)}`,
    'Nothing was read. Correct the file, or write it as JSONL, with one object per line.',
  );
}
