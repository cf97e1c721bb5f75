import { reportHeadline, reportSpeed } from './headline.ts';
import { type PagePart, renderPage } from './page.ts';
import type { ReportData } from './report-data.ts';
import { oneValueNotes, runCharts } from './run-charts.ts';
import { sectionsOf } from './sections.ts';

/** Titles of the parts whose tables have long texts, and get the whole width of the page. */
const wideTitles = new Set(['Slowest', 'Schema failures', 'Errors']);

/**
 * Renders a report as one HTML page: what came of the run in a sentence, what failed, some answers, charts, and the other parts
 * that the text has.
 */
export function renderHtml(data: ReportData): Promise<string> {
  const charts = runCharts(data);
  const notes = oneValueNotes(data);
  const { first, others } = sectionsOf(data);
  const parts: PagePart[] = others.map((section) => ({ ...section, isWide: wideTitles.has(section.title) }));
  return renderPage(`llmbatch: ${data.run.outputPath}`, [
    { title: reportHeadline(data), notes: [reportSpeed(data)], isWide: true },
    ...first.map((section) => ({ ...section, isWide: true })),
    ...(charts.length + notes.length === 0 ? [] : [{ title: 'Charts', charts, notes, isWide: true }]),
    ...parts.toSorted((one, other) => Number(one.isWide) - Number(other.isWide)),
  ]);
}
