import { formatDuration, formatRate } from '../text/format.ts';
import { breakText } from '../text/break-text.ts';
import { columnsOf, cutToColumns, padEndToColumns, padStartToColumns } from '../text/columns.ts';
import { printable } from '../text/printable.ts';
import { wrapText } from '../text/wrap-text.ts';
import { reportHeadline, reportSpeed } from './headline.ts';
import type { RateOverTime } from './charts/rate-over-time.ts';
import type { ReportData } from './report-data.ts';
import { type Section, sectionsOf } from './sections.ts';

const maxCellColumns = 28;

/** Renders a report for a reader: prose in 80 columns, and on a narrower terminal all but tables broken at words. */
export function renderText(data: ReportData, columns: number | null = null): string {
  const { first, others } = sectionsOf(data);
  const width = Math.min(columns ?? terminalColumns, terminalColumns);
  const speed = breakText(printable(reportSpeed(data)), width - 2).map((line) => `  ${line}`);
  const parts = [
    [wrapText(reportHeadline(data), width), ...speed].join('\n'),
    ...[...first, ...others].map((section) => renderSection(section, columns)),
  ];
  if (data.rateOverTime !== null)
    parts.push(
      `Rate over time\n  ${rateColumns(data.rateOverTime)}\n  ${rateScale(data.rateOverTime, data.requestRate)}`,
    );
  return `${parts.join('\n\n')}\n`;
}

function renderSection(section: Section, columns: number | null): string {
  const room = Math.min(columns ?? terminalColumns, terminalColumns) - 2;
  const { title, header, rows, prose, isProse = false } = fitSection(section, room);
  const lines =
    header === null
      ? labelledLines(rows, isProse ? room : Infinity)
      : alignTable([header, ...rows], prose === undefined ? maxCellColumns : room);
  const text = [title, ...lines.map((line) => `  ${line}`)].join('\n');
  return header === null && columns !== null ? wrapText(text, columns) : text;
}

/** Takes the sentences in place of a table that has no room. */
function fitSection(section: Section, room: number): Section {
  const { title, header, rows, prose } = section;
  if (header === null || prose === undefined) return section;
  const hasRoom = alignTable([header, ...rows], room).every((line) => columnsOf(line) <= room);
  return hasRoom ? section : { title, header: null, rows: prose, isProse: true };
}

const terminalColumns = 80;

/** Rows of a label and a text, the texts below one another and each on as many lines as it takes. */
function labelledLines(rows: string[][], columns: number): string[] {
  const labels = rows.map(([label = '']) => cutToColumns(printable(label), maxCellColumns));
  const width = Math.max(...labels.map(columnsOf));
  return rows.flatMap(([, text = ''], at) =>
    breakText(printable(text), columns - width - 2).map(
      (line, index) => `${padEndToColumns(index === 0 ? (labels[at] ?? '') : '', width)}  ${line}`,
    ),
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

/**
 * What a full block of `rateColumns` stands for, and how long a bucket is. A bucket that is longer than the run shows less
 * than the rate of the whole: then it is no peak.
 */
export function rateScale({ rates, bucketSeconds }: RateOverTime, overall: number | null): string {
  const highest = Math.max(...rates);
  const peak = overall !== null && highest < overall ? '' : `peak ${formatRate(highest)} req/s, `;
  return `${peak}${formatDuration(bucketSeconds * 1000)} per column`;
}
