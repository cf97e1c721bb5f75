import { formatInteger, formatPercent, formatRate } from '../../core/format.ts';
import type { GridChart } from '../../report/chart.ts';
import type { PagePart } from '../../report/page.ts';
import { sameShare } from '../engine-numbers.ts';
import type { AgreementRecord } from '../records.ts';
import type { BenchReport } from './bench-report.ts';
import { nameTrials } from './trial-names.ts';

/** Do the answers stay the same? Null where nothing was compared. */
export function agreementPart({ analysis: { agreements, trials } }: BenchReport): PagePart | null {
  if (agreements.length === 0) return null;
  const names = nameTrials(trials.map(({ record }) => record));
  const nameOf = (side: AgreementRecord['left']): string =>
    side === 'reference' ? 'expected by the input' : (names.get(side) ?? `#${side}`);
  return {
    title: 'Agreement of answers',
    isWide: true,
    notes: [
      'Compared request by request: a field is a value of a JSON answer; a verdict is a field that went from one word to another. Cells that are set off have changed verdicts between two settings.',
    ],
    charts: [agreementGrid(agreements, nameOf)],
    header: ['compared', 'with', 'requests', 'same text', 'same fields', 'mean difference', 'changed verdicts'],
    rows: agreements.map((record) => [
      nameOf(record.right),
      nameOf(record.left),
      formatInteger(record.compared),
      formatPercent(record.same_text / record.compared),
      formatPercent(record.fields === 0 ? null : record.same_fields / record.fields),
      formatRate(record.mean_difference),
      formatInteger(record.changed_verdicts),
    ]),
  };
}

function agreementGrid(
  agreements: readonly AgreementRecord[],
  nameOf: (side: AgreementRecord['left']) => string,
): GridChart {
  const lefts = [...new Set(agreements.map(({ left }) => left))];
  const rights = [...new Set(agreements.map(({ right }) => right))].toSorted((one, other) => one - other);
  return {
    kind: 'grid',
    title: 'Same fields, or same texts where answers are no JSON',
    x: { title: 'compared with' },
    y: { title: '' },
    columns: lefts.map((left) =>
      left === 'reference' ? { name: 'expected', short: 'exp.' } : { name: `#${left}`, short: `#${left}` },
    ),
    rows: rights.map((right) => ({
      name: nameOf(right),
      short: `#${right}`,
      cells: lefts.map((left) => cellOf(agreements.find((record) => record.left === left && record.right === right))),
    })),
  };
}

function cellOf(record: AgreementRecord | undefined): GridChart['rows'][number]['cells'][number] {
  const share = sameShare(record);
  if (record === undefined || share === null) return null;
  return { share, text: formatPercent(share), isSetOff: record.left !== 'reference' && record.changed_verdicts > 0 };
}

/** The worst disagreements of each pair, a few each. */
export function disagreementsPart({ analysis: { agreements } }: BenchReport): PagePart | null {
  const rows = agreements.flatMap(({ left, right, worst }) =>
    worst
      .slice(0, 3)
      .map((row) => [
        row.id,
        left === 'reference' ? 'expected' : `#${left}`,
        row.left,
        `#${right}`,
        row.right,
        formatRate(row.difference),
      ]),
  );
  if (rows.length === 0) return null;
  return {
    title: 'Worst disagreements',
    isWide: true,
    header: ['request', 'by', 'answer', 'by', 'answer', 'difference'],
    rows,
  };
}
