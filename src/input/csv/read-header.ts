import { UsageError } from '../../core/errors.ts';

/** The columns of a table. */
export interface Header {
  /** A name for each column, but for those at the end that have none. */
  names: readonly string[];
  /** Each name as the key of a JSON object, with its colon. */
  keys: readonly string[];
  /** All columns, those without a name at the end too. */
  width: number;
}

/** Reads the cells of a header. Throws a `UsageError` where they are not the names of columns. */
export function readHeader(cells: readonly string[]): Header {
  const given = cells.map((cell) => cell.trim());
  const count = given.findLastIndex((name) => name !== '') + 1;
  const names = given.slice(0, count).map((name, index) => (name === '' ? `column ${letterOf(index)}` : name));
  if (count === 0) throw new UsageError("the CSV's header has no column name");
  refuseTwice(names);
  refuseNumbers(names);
  return { names, keys: names.map((name) => `${JSON.stringify(name)}:`), width: cells.length };
}

function refuseTwice(names: readonly string[]): void {
  const second = names.findIndex((name, index) => names.indexOf(name) < index);
  if (second === -1) return;
  const first = names.indexOf(names[second] ?? '');
  throw new UsageError(
    `the CSV's header names two columns "${names[second]}", ${letterOf(first)} and ${letterOf(second)}`,
    'Give each column a different name.',
  );
}

/** Numbers in a row, as 0,1,2, are the names that programs give to columns without one. */
function refuseNumbers(names: readonly string[]): void {
  const numbers = names.map((name) => Number(name.replace(',', '.')));
  const isCount = numbers.every((number, index) => number === (numbers[0] ?? 0) + index);
  if (numbers.some(Number.isNaN) || (isCount && (numbers.length > 1 || numbers[0] === 0))) return;
  throw new UsageError(
    `the first line of the CSV has only numbers (${names.slice(0, 3).join(', ')}) instead of column names`,
    'Add a first line with the column names, such as: id,text',
  );
}

/** The letter that a spreadsheet has for a column: A, Z, AA. */
export function letterOf(index: number): string {
  const rest = Math.floor(index / 26);
  return (rest === 0 ? '' : letterOf(rest - 1)) + String.fromCharCode('A'.charCodeAt(0) + (index % 26));
}
