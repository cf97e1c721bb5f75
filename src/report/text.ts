import { formatDuration, formatRate } from '../text/format.ts';
import { columnsOf, cutToColumns, padEndToColumns, padStartToColumns } from '../text/columns.ts';
import { printable } from '../text/printable.ts';
import { alignPairs } from './align-pairs.ts';
import { wrapWords } from './failures/failure-rows.ts';
import type { RateOverTime } from './charts/rate-over-time.ts';
import type { ReportData } from './report-data.ts';
import { type Section, sectionsOf } from './sections.ts';

const maxCellColumns = 28;

/** Renders a report for a terminal, in 80 columns unless a path is longer. */
export function renderText(data: ReportData): string {
  const parts = sectionsOf(data).map(renderSection);
  if (data.rateOverTime !== null)
    parts.push(`Rate over time\n  ${rateColumns(data.rateOverTime)}\n  ${rateScale(data.rateOverTime)}`);
  return `${parts.join('\n\n')}\n`;
}

function renderSection({ title, header, rows, isProse = false }: Section): string {
  const lines = header === null ? alignPairs(isProse ? wrapped(rows) : rows) : alignTable([header, ...rows]);
  return [title, ...lines.map((line) => `  ${line}`)].join('\n');
}

const terminalColumns = 80;

/** Rows of a label and a sentence, each sentence on as many lines as it takes. */
function wrapped(rows: string[][]): string[][] {
  const width = terminalColumns - 4 - Math.max(...rows.map(([label = '']) => label.length));
  return rows.flatMap(([label = '', text = '']) =>
    wrapWords(printable(text), width).map((line, index) => [index === 0 ? label : '', line]),
  );
}

/** Lines of a table: the first column stands to the left, the others to the right. A cell is cut at `maxColumns`. */
export function alignTable(table: string[][], maxColumns = maxCellColumns): string[] {
  const rows = table.map((row) => row.map((cell) => cutToColumns(printable(cell, maxColumns), maxColumns)));
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => columnsOf(row[column] ?? ''))));
  const alignCell = (cell: string, column: number): string =>
    column === 0 ? padEndToColumns(cell, widths[0] ?? 0) : padStartToColumns(cell, widths[column] ?? 0);
  return rows.map((row) => row.map(alignCell).join('  '));
}

const blocks = ' ▁▂▃▄▅▆▇█';

/** The rate over time as a bar of block characters, one for each bucket: `▂▅▇█`. */
export function rateColumns({ rates }: RateOverTime): string {
  const peak = Math.max(...rates);
  return rates.map((rate) => blocks[Math.ceil((rate / peak) * (blocks.length - 1))]).join('');
}

/** What a full block of `rateColumns` stands for, and how long a bucket is. */
export const rateScale = ({ rates, bucketSeconds }: RateOverTime): string =>
  `peak ${formatRate(Math.max(...rates))} req/s, ${formatDuration(bucketSeconds * 1000)} a column`;
