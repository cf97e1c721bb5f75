import { membersOf } from '../data/json-text.ts';
import { shorten } from '../text/format.ts';
import { isRecord } from '../data/is-record.ts';
import type { Row } from './line-formats.ts';
import { describeMissing, fieldOf } from './template/fields.ts';

export interface IdSource {
  /** The JSON that the row is written in. */
  text: string;
  line: number;
  /** The field that `--id-field` names, such as `sku` or `_id.$oid`; null: `custom_id`, else `id`. */
  idField: string | null;
  /** The row is of a table, where a column of ids is called ID or Id as well. */
  isOfTable: boolean;
}

/** The id of a row, or why it has none that can be used. A row without a field for it is called by its line. */
export function idOf(row: Row, source: IdSource): { id: string } | { reason: string } {
  const name = source.idField ?? idFieldOf(row, source.isOfTable);
  if (name === null) return { id: `line-${source.line}` };
  const value = fieldOf(row, name);
  if (typeof value === 'number') return { id: numberAsWritten(value, name, source.text) };
  if (typeof value === 'string' && value.trim() !== '') return { id: value };
  const where = source.idField === null ? '' : ', which --id-field names';
  return { reason: value === undefined ? describeMissing(row, name, where) : problemWith(name, value) + where };
}

function problemWith(name: string, value: unknown): string {
  const isEmpty = value === null || typeof value === 'string';
  if (isEmpty) return `${name} is empty`;
  const [inner] = isRecord(value) ? Object.keys(value) : [];
  const meant = inner === undefined ? '' : ` (in it: --id-field '${name}.${inner}')`;
  return `${name} is ${shorten(value)}, not a text or a number${meant}`;
}

function idFieldOf(row: Row, isOfTable: boolean): string | null {
  if ((row['custom_id'] ?? null) !== null) return 'custom_id';
  if ((row['id'] ?? null) !== null) return 'id';
  return (isOfTable && Object.keys(row).find((name) => /^(custom_)?id$/i.test(name))) || null;
}

/** JSON.parse rounds large numbers, and drops the zeros at the end: the id would be another one than in the file. */
function numberAsWritten(value: number, name: string, text: string): string {
  const isPlain = Number.isSafeInteger(value) && isWritten(value, name, text);
  return isPlain ? String(value) : (textOfField(text, name) ?? String(value));
}

/** A field is found by its whole name first, as `fieldOf` does. */
function textOfField(text: string, name: string): string | null {
  const members = membersOf(text);
  const found = members.get(name);
  const dot = name.indexOf('.');
  if (found !== undefined || dot === -1) return found ?? null;
  const outer = members.get(name.slice(0, dot));
  return outer === undefined ? null : textOfField(outer, name.slice(dot + 1));
}

/** Most numbers are whole ones, and need no look at the whole line. */
function isWritten(value: number, name: string, text: string): boolean {
  const at = text.indexOf(`"${name}"`);
  const behind = at === -1 ? '' : text.slice(at + name.length + 2, at + name.length + 32);
  return /^\s*:\s*(-?\d+)\s*[,}]/.exec(behind)?.[1] === String(value);
}
