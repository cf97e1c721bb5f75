import { breakText } from '../../text/break-text.ts';
import { columnsOf } from '../../text/columns.ts';
import { alignTable } from '../../report/text.ts';

const gap = 2;

/**
 * Lines of a table, of at most so many columns. Where it is wider, cells are broken at their blanks, and the columns that still have
 * no room follow in tables below, each with the first column.
 */
export function fitTable(table: readonly string[][], columns: number): string[] {
  const whole = alignTable([...table], columns);
  if (whole.every((line) => columnsOf(line) <= columns)) return whole;
  const maxFirst = Math.floor((columns - gap) / 2);
  const first = Math.min(maxFirst, Math.max(...table.map(([cell = '']) => columnsOf(cell))));
  const rows = table.flatMap((row) => linesOf(row, [first, columns - gap - first]));
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => columnsOf(row[column] ?? ''))));
  return groupsOf(widths, columns).flatMap((group, index) => {
    const cells = rows.map((row) => [0, ...group].map((column) => row[column] ?? ''));
    const part = alignTable(
      cells.filter((row) => row.some((cell) => cell !== '')),
      columns,
    );
    return index === 0 ? part : ['', ...part];
  });
}

/** A row as several, where cells take several lines. */
function linesOf(row: readonly string[], [first, others]: [first: number, others: number]): string[][] {
  const cells = row.map((cell, column) => breakText(cell, column === 0 ? first : others));
  const height = Math.max(...cells.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) => cells.map((lines) => lines[line] ?? ''));
}

/** The columns behind the first one, in groups that have room beside it. */
function groupsOf([first = 0, ...others]: readonly number[], columns: number): number[][] {
  const groups: number[][] = [];
  let left = 0;
  for (const [index, width] of others.entries()) {
    if (groups.length === 0 || width + gap > left) {
      groups.push([]);
      left = columns - first;
    }
    groups.at(-1)!.push(index + 1);
    left -= width + gap;
  }
  return groups;
}
