import { type PagePart, renderPage } from './page.ts';
import type { ReportData } from './report-data.ts';
import { runCharts } from './run-charts.ts';
import { sectionsOf } from './sections.ts';

/** Titles of the parts whose tables have long texts, and get the whole width of the page. */
const wideTitles = new Set(['Slowest', 'Schema failures', 'Errors', 'Failures', 'Try again']);

/** Renders a report as one HTML page: charts, and the parts that the text has. */
export function renderHtml(data: ReportData): Promise<string> {
  const charts = runCharts(data);
  const parts: PagePart[] = sectionsOf(data).map((section) => ({ ...section, isWide: wideTitles.has(section.title) }));
  return renderPage(`llmbatch: ${data.run.outputPath}`, [
    ...(charts.length === 0 ? [] : [{ title: 'Charts', charts, isWide: true }]),
    ...parts.toSorted((one, other) => Number(one.isWide) - Number(other.isWide)),
  ]);
}
