import { writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { toJournalError } from '../../files/write-group.ts';
import type { BenchAnalysis } from '../analysis/analysis.ts';
import type { BenchPaths } from '../records/bench-paths.ts';
import { completeWeights } from '../analysis/decision.ts';
import { type BenchEnvironment, readEnvironment } from '../records/environment.ts';
import type { BenchReport } from './bench-report.ts';
import { renderPage, type PagePart } from '../../report/page.ts';
import { partsOf } from './parts.ts';
import { escapeMarkdown, renderMarkdownTable } from '../../report/markdown.ts';

/** What the user wants to read in a report. */
export interface ReportOptions {
  /** Numbers of requests to project to; null: as many as the input has. */
  projectTo: number[] | null;
  prices: BenchReport['prices'];
  weights: Record<string, number>;
}

export async function makeReport(
  analysis: BenchAnalysis,
  paths: BenchPaths,
  options: ReportOptions,
): Promise<BenchReport> {
  const environment = await readEnvironment(paths.environment).catch((): BenchEnvironment | null => null);
  return {
    name: basename(resolve(paths.folder)),
    analysis,
    environment,
    projectTo: options.projectTo ?? ownRequests(analysis),
    prices: options.prices,
    weights: completeWeights(options.weights),
  };
}

/** `report.md` and `report.html`, beside the records that they are made of. Resolves to the page. */
export async function writeReport(report: BenchReport, { folder }: BenchPaths): Promise<string> {
  const page = join(folder, 'report.html');
  try {
    await writeFile(join(folder, 'report.md'), renderBenchMarkdown(report));
    await writeFile(page, await renderBenchHtml(report));
  } catch (error) {
    throw toJournalError(error, page);
  }
  return page;
}

/** Projects to the whole input; not to the bundled candidates, which are only examples. */
const ownRequests = ({ plan: { input } }: BenchAnalysis): number[] => (input.path === null ? [] : [input.requests]);

/** `report.html`: opens without a network, and needs no other file. */
export const renderBenchHtml = (report: BenchReport): Promise<string> =>
  renderPage(`llmbatch bench: ${report.name}`, partsOf(report));

/** `report.md`: what the page has, but for its drawings. */
export function renderBenchMarkdown(report: BenchReport): string {
  const parts = [
    `# llmbatch bench: ${escapeMarkdown(report.name)}`,
    ...partsOf(report)
      .map(renderPart)
      .filter((text) => text !== null),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** Renders a part; null where it has drawings alone. */
function renderPart({ title, notes = [], header = null, rows = [], charts = [] }: PagePart): string | null {
  const captions = charts.flatMap((chart) =>
    chart.caption === undefined ? [] : [`- ${escapeMarkdown(`${chart.title}: ${chart.caption}`)}`],
  );
  if (notes.length + captions.length + rows.length === 0) return null;
  return [
    `## ${escapeMarkdown(title)}`,
    ...notes.map(escapeMarkdown),
    ...(captions.length === 0 ? [] : [captions.join('\n')]),
    ...(rows.length === 0 ? [] : [renderMarkdownTable(header, rows)]),
  ].join('\n\n');
}
