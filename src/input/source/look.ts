import { UsageError } from '../../core/errors.ts';
import type { AnswerSettings } from '../../core/settings.ts';
import { detectEncoding, encodingOf } from './encoding.ts';
import { type FileName, inShell, runPiped, tableEndingOf } from './file-name.ts';
import { describeOther } from './describe-other.ts';
import { judgeJson } from './judge-json.ts';
import { refuseKnown } from './known-files.ts';
import { parseJson } from './parse-json.ts';

export type InputForm = 'jsonl' | 'array' | 'objects' | 'csv' | 'tsv' | 'text' | 'parquet';

/** How an input is to be read, as the flags say. */
export type Reading = Pick<AnswerSettings, 'format' | 'delimiter' | 'encoding'>;

export interface Look {
  form: InputForm;
  /** Encoding of the bytes; null for UTF-8. */
  encoding: string | null;
}

/** Whether the head is the whole file, and whether it is as long as it gets. */
export interface HeadEnd {
  isWhole: boolean;
  isFull: boolean;
}

/**
 * Looks at the first bytes of an input, once, and says in which form and encoding it is; null while more bytes are needed.
 * Throws a `UsageError` with the way out where it is nothing that can be read as a whole.
 */
export function lookAt(
  head: Buffer,
  end: HeadEnd,
  { reading, file }: { reading: Reading; file: FileName },
): Look | null {
  if (head.subarray(0, 4).toString('latin1') === 'PAR1') return parquet(reading, file);
  refuseKnown(head, file);
  const encoding = encodingIn(head, reading, file);
  const text = new TextDecoder(encoding ?? 'utf-8').decode(head);
  const form = formOf({ text, end, file, reading });
  return form === null ? null : { form, encoding };
}

function parquet({ format }: Reading, { name }: FileName): Look {
  if (format === 'auto' || format === 'parquet') return { form: 'parquet', encoding: null };
  throw new UsageError(`${name} is a Parquet file, not ${format}`, 'Remove --format.');
}

/** A byte order mark is believed before the flag: it is no text of any other encoding. */
function encodingIn(head: Buffer, { encoding: given }: Reading, file: FileName): string | null {
  const asked = given === null ? null : encodingOf(given);
  const found = detectEncoding(head);
  if (found === 'utf-8') return null;
  if (found?.startsWith('utf-32') === true) {
    const hint = `Convert it in a pipe: iconv -f ${found} -t utf-8 ${inShell(file.path)} | ${runPiped(file)}`;
    throw new UsageError(`${file.name} is in ${found.toUpperCase()}`, hint);
  }
  return found ?? asked;
}

/** The head of an input as text. */
interface Head {
  text: string;
  end: HeadEnd;
  file: FileName;
  reading: Reading;
}

function formOf(head: Head): InputForm | null {
  const { text, end, file, reading } = head;
  const first = text.trimStart();
  // An input without a request is refused once it has been read.
  if (first === '') return end.isWhole || end.isFull ? (tableForm(head) ?? 'jsonl') : null;
  refuseBinary(first, file);
  if (reading.format === 'parquet') throw new UsageError(`${file.name} is no Parquet file`, 'Remove --format.');
  refuseOldLineEnds(head);
  const form = tableForm(head) ?? lineForm(first, reading);
  if (form !== null) return form;
  return jsonForm(head, first);
}

/** A table by the flags, else by the name of the file. */
function tableForm({ text, file, reading: { format, delimiter } }: Head): 'csv' | 'tsv' | null {
  if (format === 'csv' || format === 'tsv') return format;
  if (format !== 'auto') return null;
  const byName = tableEndingOf(file.path);
  if (byName !== undefined && /^[{[]\s*["{[}\]]/.test(text.trimStart())) {
    throw new UsageError(
      `${file.name} contains JSON, not a table`,
      'Add --format jsonl, or --format json for an array.',
    );
  }
  return byName ?? (delimiter === null ? null : 'csv');
}

/** What the flags say of lines; JSON is looked at all the same. */
function lineForm(first: string, { format }: Reading): 'text' | 'jsonl' | null {
  if (format === 'text') return 'text';
  return format === 'jsonl' && !/^[{[]/.test(first) ? 'jsonl' : null;
}

/** A file of bytes is told by a zero in its first line: text has none. */
function refuseBinary(first: string, { name }: FileName): void {
  const line = first.slice(0, 4096).split('\n', 1)[0] ?? '';
  if (!line.includes('\0')) return;
  throw new UsageError(
    `${name} is a binary file, not JSONL, CSV, Parquet or plain text`,
    'If it is text in UTF-16, add --encoding utf-16le.',
  );
}

/** Lines of a Mac of old: all of them would be one. */
function refuseOldLineEnds({ text, end, file, reading }: Head): void {
  if (text.includes('\n') || !/\r(?!$)/.test(text) || !(end.isWhole || end.isFull)) return;
  if (/^\s*\[/.test(text) && reading.format !== 'text') return;
  const command = file.path === null ? "... | tr '\\r' '\\n'" : `tr '\\r' '\\n' < ${inShell(file.path)}`;
  throw new UsageError(
    `the lines of ${file.name} end in a carriage return alone`,
    `Convert them on the way: ${command} | ${runPiped(file)}`,
  );
}

function jsonForm({ end, file, reading: { format } }: Head, first: string): InputForm | null {
  const judged = judgeJson({ text: first, ...end, file, isOfLines: format === 'jsonl' });
  if (judged === 'other') throw describeOther(first, file);
  if (judged === null || format === 'auto') return judged;
  if (format === 'json') return judged === 'array' ? 'array' : 'objects';
  if (judged === 'jsonl' || isWholeLine(first)) return 'jsonl';
  const what = judged === 'array' ? 'a JSON array' : 'JSON objects over several lines';
  throw new UsageError(`${file.name} holds ${what}, not one object per line`, 'Remove --format, or use --format json.');
}

/** Says whether the first line is JSON by itself. */
const isWholeLine = (text: string): boolean => parseJson(text.split('\n', 1)[0] ?? '') !== undefined;
