import { createRequire } from 'node:module';
import type stringWidth from 'string-width';

const require = createRequire(import.meta.url);

/**
 * Columns that a printable text takes on a terminal: two for a Chinese character, none for a combining mark. The tables
 * of Unicode are loaded with the first text that needs them: every start would wait for them.
 */
export const columnsOf = (text: string): number => (printableAscii.test(text) ? text.length : loadedWidth()(text));

const loadedWidth = (): typeof stringWidth => (require('string-width') as { default: typeof stringWidth }).default;

const printableAscii = /^[ -~]*$/;
const graphemes = new Intl.Segmenter();

/** The text, cut with an ellipsis where it takes more than so many columns. */
export function cutToColumns(text: string, maxColumns: number): string {
  if (columnsOf(text) <= maxColumns) return text;
  let kept = '';
  let columns = 0;
  for (const { segment } of graphemes.segment(text)) {
    columns += columnsOf(segment);
    if (columns > maxColumns - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** The text with blanks behind it, so that it takes so many columns. */
export const padEndToColumns = (text: string, columns: number): string => `${text}${blanks(text, columns)}`;

/** The text with blanks before it, so that it takes so many columns. */
export const padStartToColumns = (text: string, columns: number): string => `${blanks(text, columns)}${text}`;

const blanks = (text: string, columns: number): string => ' '.repeat(Math.max(0, columns - columnsOf(text)));
