import { columnsOf } from './columns.ts';

/** Breaks a text at its blanks into lines of at most so many columns. A word that is longer than a line stays whole. */
export function breakText(text: string, maxColumns: number): string[] {
  const lines: string[] = [];
  let columns = 0;
  for (const word of text.split(' ')) {
    const wordColumns = columnsOf(word);
    if (lines.length > 0 && columns + 1 + wordColumns <= maxColumns) {
      lines.push(`${lines.pop()} ${word}`);
      columns += 1 + wordColumns;
    } else {
      lines.push(word);
      columns = wordColumns;
    }
  }
  return lines;
}
