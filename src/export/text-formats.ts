import { compactJson, isList, isObject, isString, stringOf } from '../data/json-text.ts';
import type { Cell } from './cells.ts';

/** A way to write a table as text, row by row. */
export interface TextFormat {
  head: string;
  row: (cells: readonly Cell[], index: number) => string;
  foot: string;
}

/** Writes CSV by RFC 4180, but with line feeds. With a tab as delimiter it is TSV. */
export function createCsv(names: readonly string[], delimiter: string, hasMark: boolean): TextFormat {
  const mustQuote = new RegExp(String.raw`["\r\n\u{${delimiter.codePointAt(0)!.toString(16)}}]|^\s|\s$`, 'u');
  const cellOf = (text: string): string => (mustQuote.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  // Readers skip an empty line, which a row of one empty cell would be.
  const lineOf = (texts: string[]): string =>
    texts.length === 1 && texts[0] === '' ? '""\n' : `${texts.map(cellOf).join(delimiter)}\n`;
  return {
    head: `${hasMark ? '\ufeff' : ''}${lineOf([...names])}`,
    row: (cells) => lineOf(cells.map(textOf)),
    foot: '',
  };
}

/** Writes a JSON object a line, each with all columns. */
export function createJsonl(names: readonly string[]): TextFormat {
  const keys = names.map((name) => JSON.stringify(name));
  const objectOf = (cells: readonly Cell[]): string =>
    `{${cells.map((cell, column) => `${keys[column]}:${jsonOf(cell)}`).join(',')}}`;
  return { head: '', row: (cells) => `${objectOf(cells)}\n`, foot: '' };
}

/** Writes a list of JSON objects, one a line. */
export function createJson(names: readonly string[]): TextFormat {
  const { row } = createJsonl(names);
  return {
    head: '[',
    row: (cells, index) => `${index === 0 ? '\n' : ',\n'}${row(cells, index).trimEnd()}`,
    foot: '\n]\n',
  };
}

/** Writes a table of GitHub's Markdown, in which what models wrote makes no markup. */
export function createMarkdown(names: readonly string[]): TextFormat {
  return {
    head: `${markdownRow(names)}|${' --- |'.repeat(names.length)}\n`,
    row: (cells) => markdownRow(cells.map(textOf)),
    foot: '',
  };
}

const markdownRow = (texts: readonly string[]): string => `| ${texts.map(neutralMarkdown).join(' | ')} |\n`;
const neutralMarkdown = (text: string): string =>
  text.replaceAll(/[\\`*_{}[\]<>|#~&]/g, String.raw`\$&`).replaceAll(/\r\n|[\r\n]/g, '<br>');

/** The text of a cell: strings as they are, null as nothing, lists and objects as JSON. */
function textOf(cell: Cell): string {
  if (cell === undefined || cell === 'null') return '';
  if (isString(cell)) return stringOf(cell);
  return isList(cell) || isObject(cell) ? compactJson(cell) : cell;
}

const jsonOf = (cell: Cell): string =>
  cell === undefined ? 'null' : isList(cell) || isObject(cell) ? compactJson(cell) : cell;
