import { printable } from '../../text/printable.ts';
import { UsageError } from '../../core/errors.ts';
import { isRecord } from '../../data/is-record.ts';
import { type FileName, inShell, runPiped } from './file-name.ts';
import { parseJson } from './parse-json.ts';

/** An object whose first value is a list of objects, or an object. */
const wrapped = /^\{\s*"([^"\\]*)"\s*:\s*(?:\[\s*\{|\{)/;

/** Keys of requests whose values are lists of objects. */
const requestKeys = new Set([
  'messages',
  'contents',
  'input',
  'tools',
  'params',
  'body',
  'conversations',
  'response_format',
]);
/** Keys that tell of the list beside them. */
const aboutKeys = new Set(
  'object schema total count has_more next next_page previous page version meta metadata name description first_id last_id status created'.split(
    ' ',
  ),
);

/** Says whether a file that begins so may be one object around the records. */
export function isMaybeWrapped(head: string): boolean {
  const key = wrapped.exec(head)?.[1];
  return (key !== undefined && !requestKeys.has(key)) || byColumns.test(head);
}

/** Refuses a file that is one object around a list of records: none of them is a line, and the object is no request. */
export function refuseWrapped(text: string, file: FileName): void {
  const { name } = file;
  const value = parseJson(text);
  const key = value === undefined ? listKeyOf(text) : wrappingKey(value);
  if (key !== null) {
    const list = /^\w+$/.test(key) ? `.${key}[]` : `.[${JSON.stringify(key)}][]`;
    throw new UsageError(
      `${name} is one object whose ${printable(JSON.stringify(key))} is a list of records`,
      `If the object itself is a row: --format jsonl, on one line. Else take the list: ${byJq(list, text, file)}`,
    );
  }
  if (isByColumns(value) || byColumns.test(text)) {
    throw new UsageError(
      `${name} is a table stored by columns, as df.to_json writes it`,
      "Write it by rows: df.to_json('rows.jsonl', orient='records', lines=True)",
    );
  }
  if (!byNumbers.test(text)) return;
  throw new UsageError(
    `${name} is one object with a row for each of its keys`,
    `Take the rows: ${byJq('to_entries[] | {id: .key} + .value', text, file)}`,
  );
}

function byJq(program: string, text: string, file: FileName): string {
  const rounds = /\d{17}/.test(text) ? ' (with jq 1.7 or newer: an older one rounds long numbers)' : '';
  return `jq -c '${printable(program)}' ${inShell(file.path)} | ${runPiped(file)}${rounds}`;
}

/** The key of the list, of an object that is longer than what was seen of it. */
function listKeyOf(text: string): string | null {
  const found = wrapped.exec(text);
  return found !== null && found[0].includes('[') && !requestKeys.has(found[1]!) ? found[1]! : null;
}

function wrappingKey(value: unknown): string | null {
  if (!isRecord(value)) return null;
  const isList = (key: string): boolean => {
    const list = value[key];
    return Array.isArray(list) && list.length > 0 && list.every(isRecord);
  };
  const others = Object.keys(value).filter((key) => !aboutKeys.has(key));
  const [key] = others;
  return others.length === 1 && key !== undefined && isList(key) && !requestKeys.has(key) ? key : null;
}

/** As pandas begins a table by its columns, and one that it splits into names and cells. */
const byColumns = /^\{\s*(?:"[^"\\]*"\s*:\s*\{\s*"0"\s*:|"columns"\s*:\s*\[\s*")/;
/** As pandas begins a table by its index. */
const byNumbers = /^\{\s*"0"\s*:\s*\{/;

/** `{"prompt":{"0":"a","1":"b"},...}`. */
function isByColumns(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const columns = Object.values(value);
  return columns.length > 0 && columns.every((column) => isRecord(column) && '0' in column);
}
