import { printable } from '../text/printable.ts';
import { reportHeadline, reportSpeed } from './headline.ts';
import type { ReportData } from './report-data.ts';
import { type Section, sectionsOf } from './sections.ts';
import { rateColumns, rateScale } from './text.ts';

/** Renders a report as GitHub Markdown, a table for each part. */
export function renderMarkdown(data: ReportData): string {
  const { first, others } = sectionsOf(data);
  const parts = [
    '# llmbatch report',
    `**${reportHeadline(data)}**`,
    escapeMarkdown(reportSpeed(data)),
    ...[...first, ...others].map(renderSection),
  ];
  if (data.rateOverTime !== null)
    parts.push(
      `## Rate over time\n\n\`${rateColumns(data.rateOverTime)}\` ${rateScale(data.rateOverTime, data.requestRate)}`,
    );
  return `${parts.join('\n\n')}\n`;
}

const renderSection = ({ title, header, rows }: Section): string =>
  `## ${title}\n\n${renderMarkdownTable(header, rows)}`;

/** Renders a table as Markdown. Without a header its rows are a label and a value. */
export function renderMarkdownTable(header: string[] | null, rows: string[][]): string {
  const columns = header ?? ['', ''];
  const rule = columns.map((_, column) => (header === null || column === 0 ? '---' : '---:'));
  const lines = [columns.map(escapeMarkdown), rule, ...rows.map((row) => row.map(escapeMarkdown))];
  return lines.map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** Escapes a text for a table in Markdown: it makes no markup, no HTML and no new column. */
export const escapeMarkdown = (text: string): string =>
  printable(text).replaceAll(/[\\`*_{}[\]<>|#~]/g, String.raw`\$&`);
