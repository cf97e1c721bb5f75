import type { PagePart } from '../../report/page.ts';
import { alignPairs, alignTable } from '../../report/text.ts';
import type { BenchReport } from './bench-report.ts';
import { engineParts } from './engines-part.ts';
import { projectionPart } from './projection-part.ts';
import { stabilityParts } from './stability-part.ts';
import { summarySentences } from './summary-part.ts';
import { trialRows } from './trials-part.ts';
import { printable } from '../../report/printable.ts';

const columns = ['trial', 'req/s', '95 % range', 'first 20', 'p95', 'answered', 'remarks'] as const;

/** What a terminal shows at the end of a bench: the trials, and what they mean. */
export function renderBenchTable(report: BenchReport): string {
  const rows = trialRows(report.analysis).map(
    ([trial = '', rate = '', range = '', first = '', , , p95 = '', , answered = '', , remarks = '']) => [
      trial,
      rate,
      range,
      first,
      p95,
      answered,
      remarks,
    ],
  );
  const parts = [...engineParts(report).slice(0, 2), ...stabilityParts(report), projectionPart(report)];
  const blocks = [
    ['Trials', ...indent(alignTable([[...columns], ...rows]))],
    ...parts.filter((part) => part !== null).map(renderPart),
    summarySentences(report.analysis).map((sentence) => printable(sentence)),
  ];
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

const renderPart = ({ title, header = null, rows = [] }: PagePart): string[] => [
  title,
  ...indent(header === null ? alignPairs(rows) : alignTable([header, ...rows])),
];

const indent = (lines: string[]): string[] => lines.map((line) => `  ${line}`.trimEnd());
