import { type PagePart, renderPage } from './page.ts';
import type { ReportData } from './report-data.ts';
import { oneValueNotes, runCharts } from './run-charts.ts';
import { sectionsOf } from './sections.ts';
import { formatCounted, formatDuration, formatInteger, formatPercent, formatRate } from '../text/format.ts';

/** Titles of the parts whose tables have long texts, and get the whole width of the page. */
const wideTitles = new Set(['Slowest', 'Schema failures', 'Errors', 'Failures', 'Try again']);
/** The parts that a reader looks for first: what failed, and what to do. */
const firstTitles = new Set(['Failures', 'Try again']);

/**
 * Renders a report as one HTML page: what came of the run in a sentence, what failed, some answers, charts, and the other parts
 * that the text has.
 */
export function renderHtml(data: ReportData): Promise<string> {
  const charts = runCharts(data);
  const notes = oneValueNotes(data);
  const parts: PagePart[] = sectionsOf(data).map((section) => ({ ...section, isWide: wideTitles.has(section.title) }));
  const others = parts.filter(({ title }) => !firstTitles.has(title));
  return renderPage(`llmbatch: ${data.run.outputPath}`, [
    { title: headlineOf(data), notes: [speedOf(data)], isWide: true },
    ...parts.filter(({ title }) => firstTitles.has(title)),
    ...answersPart(data),
    ...(charts.length + notes.length === 0 ? [] : [{ title: 'Charts', charts, notes, isWide: true }]),
    ...others.toSorted((one, other) => Number(one.isWide) - Number(other.isWide)),
  ]);
}

/** What came of the run, such as "Finished: 1,471 of 1,500 requests succeeded, 29 failed (1.9%)". */
function headlineOf({ run, done, succeeded, failed }: ReportData): string {
  const total = run.total ?? done;
  const word = run.state === 'finished' ? 'Finished' : run.state === 'running' ? 'Running' : 'Not finished';
  const left = total > done ? `, ${formatInteger(total - done)} left` : '';
  const failures = failed === 0 ? 'none failed' : `${formatInteger(failed)} failed (${formatPercent(failed / done)})`;
  return `${word}: ${formatInteger(succeeded)} of ${formatCounted(total, 'request')} succeeded, ${failures}${left}`;
}

function speedOf({ run, requestRate, elapsedSeconds, latencyMs }: ReportData): string {
  const engine = [run.backend, run.model].filter(Boolean).join(', ');
  const time = elapsedSeconds === null ? '' : ` in ${formatDuration(elapsedSeconds * 1000)}`;
  const rate = `${formatRate(requestRate)} requests a second${time}, with ${engine}.`;
  if (latencyMs === null) return rate;
  return `${rate} Half of the requests took no longer than ${formatDuration(latencyMs.p50)}, 95 of 100 no longer than ${formatDuration(latencyMs.p95)}.`;
}

const maxAnswerCharacters = 300;

function answersPart({ answers }: ReportData): PagePart[] {
  if (answers.length === 0) return [];
  const rows = answers.map(({ id, text }) => [
    id,
    text.length > maxAnswerCharacters ? `${text.slice(0, maxAnswerCharacters)} ...` : text,
  ]);
  return [{ title: 'The first answers', header: null, rows, isWide: true }];
}
