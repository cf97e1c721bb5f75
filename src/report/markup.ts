import { printable } from '../text/printable.ts';

const names: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Escapes a text for HTML: what comes from data stays text. */
export const escapeHtml = (text: string): string =>
  printable(text).replaceAll(/[&<>"']/g, (character) => names[character] ?? character);

/** Escapes a sentence for HTML, and keeps a flag such as `--workers` on one line, where browsers would break it at its hyphens. */
export const proseHtml = (text: string): string =>
  escapeHtml(text).replaceAll(/--[a-z][a-z-]{0,20}/g, '<span class="word">$&</span>');

/** A table of escaped texts, its columns of numbers to the right. Without a header its rows are a label and a value. */
export function renderTable(header: string[] | null, rows: string[][]): string {
  const isText = rows.reduce<boolean[]>(noteText, []);
  const head = header === null ? '' : `<thead>${renderRow(header, { tag: 'th scope="col"', isText })}</thead>`;
  return `<div class="scroll"><table class="${header === null ? 'pairs' : 'table'}">${head}<tbody>
${rows.map((row) => renderRow(row, { tag: 'td', isText })).join('\n')}
</tbody></table></div>`;
}

/** Is a cell a number, such as `12.3 s`, `1d 12h` or `1.28 to 1.32`? `15 of 20` and a sentence that begins with a number are not. */
const isNumber = (cell: string): boolean =>
  cell === '' || cell === 'n/a' || (/^[-+<>±~]?[\d.]/.test(cell) && !/[a-z]{4,}| of /i.test(cell));

const noteText = (isText: boolean[], row: string[]): boolean[] =>
  row.map((cell, column) => isText[column] === true || !isNumber(cell));

/** A row, of which the first cell is the header. */
function renderRow([label = '', ...cells]: string[], { tag, isText }: { tag: string; isText: boolean[] }): string {
  const scope = tag === 'td' ? 'th scope="row"' : tag;
  const rest = cells.map((cell, at) => renderCell(isText[at + 1] === true ? `${tag} class="text"` : tag, cell));
  return `<tr>${renderCell(scope, label)}${rest.join('')}</tr>`;
}

const renderCell = (tag: string, text: string): string => `<${tag}>${proseHtml(text)}</${tag.slice(0, 2)}>`;
