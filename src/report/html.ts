import { type PagePart, renderPage } from './page.ts';
import type { ReportData } from './report-data.ts';
import { runCharts } from './charts/run-charts.ts';
import { sectionsOf } from './sections.ts';

/** Tables with long texts, which want the whole width. */
const wideTitles = new Set(['Slowest', 'Schema failures', 'Errors']);

/** The report as one page: what the text has, and its charts. */
export function renderHtml(data: ReportData): Promise<string> {
  const charts = runCharts(data);
  const parts: PagePart[] = sectionsOf(data).map((section) => ({ ...section, isWide: wideTitles.has(section.title) }));
  return renderPage(`llmbatch: ${data.run.outputPath}`, [
    ...(charts.length === 0 ? [] : [{ title: 'Charts', charts, isWide: true }]),
    ...parts.toSorted((one, other) => Number(one.isWide) - Number(other.isWide)),
  ]);
}
