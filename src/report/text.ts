import { formatDuration, formatRate } from '../text/format.ts';
import { printable } from '../text/printable.ts';
import type { RateOverTime } from './charts/rate-over-time.ts';
import type { ReportData } from './report-data.ts';
import { type Section, sectionsOf } from './sections.ts';

const longestCell = 28;

/** The report for a terminal, in 80 columns but for long paths. */
export function renderText(data: ReportData): string {
  const parts = sectionsOf(data).map(renderSection);
  if (data.rateOverTime !== null)
    parts.push(`Rate over time\n  ${rateColumns(data.rateOverTime)}\n  ${rateScale(data.rateOverTime)}`);
  return `${parts.join('\n\n')}\n`;
}

function renderSection({ title, header, rows }: Section): string {
  const lines = header === null ? alignPairs(rows) : alignTable([header, ...rows]);
  return [title, ...lines.map((line) => `  ${line}`)].join('\n');
}

/** Labels on the left, values beside them in one column. */
export function alignPairs(rows: string[][]): string[] {
  const width = Math.max(...rows.map(([label = '']) => label.length));
  return rows.map(([label = '', value = '']) => `${label.padEnd(width)}  ${printable(value)}`);
}

/** The first column to the left, numbers to the right. */
export function alignTable(table: string[][], longest = longestCell): string[] {
  const rows = table.map((row) => row.map((cell) => printable(cell, longest)));
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  );
}

const blocks = ' ▁▂▃▄▅▆▇█';

/** One column a bucket: `▂▅▇█` */
export function rateColumns({ rates }: RateOverTime): string {
  const peak = Math.max(...rates);
  return rates.map((rate) => blocks[Math.ceil((rate / peak) * (blocks.length - 1))]).join('');
}

export const rateScale = ({ rates, bucketSeconds }: RateOverTime): string =>
  `peak ${formatRate(Math.max(...rates))} req/s, ${formatDuration(bucketSeconds * 1000)} a column`;
