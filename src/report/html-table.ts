import { proseHtml } from './escape-html.ts';

/** Header null: rows of a label and a value. Columns of numbers stand to the right. */
export function renderTable(header: string[] | null, rows: string[][]): string {
  const isText = rows.reduce<boolean[]>(noteText, []);
  const head = header === null ? '' : `<thead>${renderRow(header, { tag: 'th scope="col"', isText })}</thead>`;
  return `<div class="scroll"><table class="${header === null ? 'pairs' : 'table'}">${head}<tbody>
${rows.map((row) => renderRow(row, { tag: 'td', isText })).join('\n')}
</tbody></table></div>`;
}

/** `12.3 s`, `1d 12h`, `1.28 to 1.32`; not `15 of 20`, nor a sentence that begins with a number. */
const isNumber = (cell: string): boolean =>
  cell === '' || cell === 'n/a' || (/^[-+<>±]?[\d.]/.test(cell) && !/[a-z]{4,}| of /i.test(cell));

const noteText = (isText: boolean[], row: string[]): boolean[] =>
  row.map((cell, column) => isText[column] === true || !isNumber(cell));

/** The first cell of a row names the row. */
function renderRow([label = '', ...cells]: string[], { tag, isText }: { tag: string; isText: boolean[] }): string {
  const scope = tag === 'td' ? 'th scope="row"' : tag;
  const rest = cells.map((cell, at) => renderCell(isText[at + 1] === true ? `${tag} class="text"` : tag, cell));
  return `<tr>${renderCell(scope, label)}${rest.join('')}</tr>`;
}

const renderCell = (tag: string, text: string): string => `<${tag}>${proseHtml(text)}</${tag.slice(0, 2)}>`;
