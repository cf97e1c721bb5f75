import { requestKeys } from '../../core/request-keys/request-keys.ts';
import type { KeyType } from '../../core/request-keys/key-types.ts';

type Row = Readonly<Record<string, unknown>>;

/** Keys of a request beside its settings, of which an empty cell says nothing. */
const others = ['system', 'url', 'method'];

/**
 * Reads the cells of the columns that are keys of a request, which are texts as all of a table: as the number, the list and
 * so on that the key wants. An empty cell gives nothing. A cell that is nothing of the kind stays the text that it is.
 */
export function readCells(row: Row, names: readonly string[] = Object.keys(row)): Row {
  const read = { ...row };
  for (const name of names) {
    const value = readCell(name, row[name]);
    if (value !== row[name]) read[name] = value;
  }
  return read;
}

function readCell(name: string, cell: unknown): unknown {
  const key = requestKeys.get(name);
  const isSetting = key !== undefined && key.isLabel !== true && key.isByType !== true;
  if (typeof cell !== 'string' || !(isSetting || others.includes(name))) return cell;
  if (cell.trim() === '') return null;
  return key === undefined ? cell : readAs(key.type, cell);
}

function readAs({ accepts }: KeyType, cell: string): unknown {
  const value = accepts(cell) && !cell.trimStart().startsWith('[') ? cell : valueOf(cell.trim());
  return accepts(value) ? value : cell;
}

/** Spreadsheets write TRUE, and 0,5 where that is how a number is written; 1,000 may be a thousand. */
function valueOf(cell: string): unknown {
  const text = /^(true|false)$/i.test(cell) ? cell.toLowerCase() : cell;
  const isDecimal = /^-?\d+,\d+$/.test(text) && !/,\d{3}$/.test(text);
  try {
    return JSON.parse(isDecimal ? text.replace(',', '.') : text);
  } catch {
    return cell;
  }
}
