import type { PagePart } from '../../report/page.ts';
import { alignTable } from '../../report/text.ts';
import { renderBenchText } from '../bench-text.ts';
import type { BenchReport } from './bench-report.ts';
import { engineParts } from './engines-part.ts';
import { projectionPart } from './projection-part.ts';

const longestCell = 60;

/** What a terminal shows at the end of a bench: the trials and what they mean, the engines compared, the projection. */
export function renderBenchTable(report: BenchReport): string {
  const [comparison = null, decision = null] = engineParts(report);
  const parts = [comparison, decision, projectionPart(report)].filter((part) => part !== null);
  return [renderBenchText(report.analysis), ...parts.map(renderPart)].join('\n');
}

const renderPart = ({ title, header, rows = [] }: PagePart): string =>
  [`${title}:`, ...alignTable([header ?? [], ...rows], longestCell).map((line) => `  ${line}`.trimEnd()), ''].join(
    '\n',
  );
