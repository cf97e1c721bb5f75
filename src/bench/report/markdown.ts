import { escapeMarkdown, renderMarkdownTable } from '../../report/markdown.ts';
import type { PagePart } from '../../report/page.ts';
import type { BenchReport } from './bench-report.ts';
import { partsOf } from './parts.ts';

/** `report.md`: what the page has, but for its drawings. */
export function renderBenchMarkdown(report: BenchReport): string {
  const parts = [`# llmbatch bench: ${escapeMarkdown(report.name)}`, ...partsOf(report).map(renderPart)];
  return `${parts.join('\n\n')}\n`;
}

function renderPart({ title, notes = [], header = null, rows = [], charts = [] }: PagePart): string {
  const captions = charts.flatMap((chart) =>
    chart.caption === undefined ? [] : [`- ${escapeMarkdown(`${chart.title}: ${chart.caption}`)}`],
  );
  return [
    `## ${escapeMarkdown(title)}`,
    ...notes.map(escapeMarkdown),
    ...(captions.length === 0 ? [] : [captions.join('\n')]),
    ...(rows.length === 0 ? [] : [renderMarkdownTable(header, rows)]),
  ].join('\n\n');
}
