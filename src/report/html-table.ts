import { escapeHtml } from './escape-html.ts';

/** Header null: rows of a label and a value. Columns of numbers stand to the right. */
export function renderTable(header: string[] | null, rows: string[][]): string {
  const isText = rows.reduce<boolean[]>(noteText, []);
  const head = header === null ? '' : `<thead>${renderRow(header, { tag: 'th scope="col"', isText })}</thead>`;
  return `<div class="scroll"><table class="${header === null ? 'pairs' : 'table'}">${head}<tbody>
${rows.map((row) => renderRow(row, { tag: 'td', isText })).join('\n')}
</tbody></table></div>`;
}

const number = /^(?:[-+<>]?[\d.]|n\/a|$)/;

const noteText = (isText: boolean[], row: string[]): boolean[] =>
  row.map((cell, column) => isText[column] === true || !number.test(cell));

/** The first cell of a row names the row. */
function renderRow([label = '', ...cells]: string[], { tag, isText }: { tag: string; isText: boolean[] }): string {
  const scope = tag === 'td' ? 'th scope="row"' : tag;
  const rest = cells.map((cell, at) => renderCell(isText[at + 1] === true ? `${tag} class="text"` : tag, cell));
  return `<tr>${renderCell(scope, label)}${rest.join('')}</tr>`;
}

const renderCell = (tag: string, text: string): string => `<${tag}>${escapeHtml(text)}</${tag.slice(0, 2)}>`;
