import { formatDuration, formatInteger, formatRate } from '../../text/format.ts';
import type { PagePart } from '../../report/page.ts';
import { breakText } from '../../text/break-text.ts';
import { printable } from '../../text/printable.ts';
import type { BenchAnalysis, Stability } from '../analysis/analysis.ts';
import { pointOf } from '../analysis/worker-curve.ts';
import type { BenchReport } from './bench-report.ts';
import { engineParts } from './engines-part.ts';
import { fitTable } from './fit-table.ts';
import { headlines } from './headline.ts';
import { projectionPart } from './projection-part.ts';
import { curveSentences, summarySentences } from './summary-part.ts';
import { nameSettings } from './trial-names.ts';
import { quotedRate, rateLegend } from './quoted-rate.ts';
import { reasonsOf } from './trials-part.ts';
import { meanOf } from '../statistics/mean.ts';
import { groupSettings, ofLargestSize, workersOf } from '../analysis/trial-groups.ts';

/** Renders what a bench found for a terminal. */
export function renderBenchText(report: BenchReport): string {
  const { analysis } = report;
  const [comparison = null, decision = null] = engineParts(report);
  const parts = [
    headlines(analysis)
      .flatMap(broken)
      .map((line) => printable(line))
      .join('\n'),
    [...fitTable([header, ...rowsOf(analysis)], pageWidth), ...legendOf(analysis)].join('\n'),
    section('In short', [...curveSentences(analysis), ...summarySentences(analysis)].flatMap(broken)),
    section('Why', whyOf(analysis).flatMap(broken)),
    ...analysis.stability.map(stabilityText),
    ...[comparison, decision, projectionPart(report)].map(tableText),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function tableText(part: PagePart | null): string {
  if (part === null) return '';
  const { title, header: head = null, rows = [] } = part;
  return section(title, fitTable(head === null ? rows : [head, ...rows], textWidth));
}

const header = ['setting', 'req/s', '95 % range', 'latency p50', 'p95', 'first 20', 'failed', 'trials'];

function rowsOf({ trials }: BenchAnalysis): string[][] {
  const nameOf = nameSettings(trials.map(({ record }) => record));
  return groupSettings(trials).map((group) => {
    const finished = group.filter(({ record }) => record.state === 'finished');
    const [first] = group;
    const label = nameOf(first!.record);
    if (finished.length === 0) return [label, 'failed', '', '', '', '', '', String(group.length)];
    const point = pointOf(workersOf(first!.record) ?? 0, finished);
    return [
      label,
      ...quotedRate(point),
      formatDuration(point.p50),
      formatDuration(point.p95),
      formatRate(meanOf(finished.map(({ record }) => record.first20Rate))),
      formatInteger(finished.reduce((sum, { record }) => sum + record.failed, 0)),
      String(group.length),
    ];
  });
}

/** The weightiest reason of each setting. */
function whyOf({ trials }: BenchAnalysis): string[] {
  const reasons = reasonsOf(ofLargestSize(trials, ({ record }) => record.spec));
  const first = new Map(reasons.toReversed().map((reason) => [reason.setting, reason]));
  return reasons
    .filter((reason) => first.get(reason.setting) === reason)
    .map(({ setting, cause, text }) => `${setting}: ${cause}. ${text}`);
}

const marks = { true: 'passed', false: 'FAILED', null: 'not measured' } as const;

function stabilityText({ backend, model, batches, checks }: Stability): string {
  const rows = checks.map(({ name, limit, measured, passed }) => [name, marks[`${passed}`], measured, limit]);
  const table = fitTable([['check', '', 'measured', 'limit'], ...rows], textWidth);
  return section(`Stability of ${batches.length} batches, ${backend} ${model}`, table);
}

/** A legend for the columns; empty where there are no rates to read. */
const legendOf = ({ trials }: BenchAnalysis): string[] =>
  trials.some(({ record }) => record.succeeded > 0) ? broken(rateLegend) : [];

/** Breaks a sentence at the width of a page of text and not at that of the terminal, since it is also read in files. */
const broken = (sentence: string): string[] =>
  breakText(sentence, textWidth - 2).map((line, at) => (at === 0 ? line : `  ${line}`));

const pageWidth = 80;
/** Without the margin of a section. */
const textWidth = pageWidth - 2;

const section = (title: string, lines: readonly string[]): string =>
  lines.length === 0
    ? ''
    : [`${title}:`, ...lines.map((line) => (line === '' ? '' : `  ${printable(line)}`))].join('\n');
