import { writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { toJournalError } from '../journal/write-group.ts';
import type { BenchAnalysis } from './analysis.ts';
import type { BenchPlaces } from './bench-places.ts';
import { completeWeights } from './decision.ts';
import { type BenchEnvironment, readEnvironment } from './environment.ts';
import type { BenchReport } from './report/bench-report.ts';
import { renderBenchHtml } from './report/html.ts';
import { renderBenchMarkdown } from './report/markdown.ts';

/** What the user wants to read in a report. */
export interface ReportWishes {
  /** Null: as many as the input has. */
  projectTo: number[] | null;
  prices: BenchReport['prices'];
  weights: Record<string, number>;
}

export async function makeReport(
  analysis: BenchAnalysis,
  places: BenchPlaces,
  wishes: ReportWishes,
): Promise<BenchReport> {
  const environment = await readEnvironment(places.environment).catch((): BenchEnvironment | null => null);
  return {
    name: basename(resolve(places.folder)),
    analysis,
    environment,
    projectTo: wishes.projectTo ?? ownRequests(analysis),
    prices: wishes.prices,
    weights: completeWeights(wishes.weights),
  };
}

/** `report.md` and `report.html`, beside the records that they are made of. Resolves to the page. */
export async function writeReport(report: BenchReport, { folder }: BenchPlaces): Promise<string> {
  const page = join(folder, 'report.html');
  try {
    await writeFile(join(folder, 'report.md'), renderBenchMarkdown(report));
    await writeFile(page, await renderBenchHtml(report));
  } catch (error) {
    throw toJournalError(error, page);
  }
  return page;
}

/** The bundled candidates are nobody's work. */
const ownRequests = ({ plan: { input } }: BenchAnalysis): number[] => (input.path === null ? [] : [input.requests]);
