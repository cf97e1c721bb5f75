import { formatInteger, formatPercent, formatRate } from '../../text/format.ts';
import type { GridChart } from '../../report/charts/chart.ts';
import type { PagePart } from '../../report/page.ts';
import type { BenchAnalysis } from '../analysis/analysis.ts';
import { sameShare } from '../analysis/engine-numbers.ts';
import type { AgreementRecord } from '../records/records.ts';
import { groupTrials, settingFields } from '../analysis/trial-groups.ts';
import type { BenchReport } from './bench-report.ts';
import { nameTrials } from './trial-names.ts';

/** The part that says whether the answers stay the same; null where nothing was compared. */
export function agreementPart({ analysis }: BenchReport): PagePart | null {
  const { trials } = analysis;
  const agreements = withoutRepeats(analysis);
  if (agreements.length === 0) return null;
  const names = nameTrials(trials.map(({ record }) => record));
  const nameOf = (side: AgreementRecord['left']): string =>
    side === 'reference' ? 'expected by the input' : (names.get(side) ?? `#${side}`);
  const leftOf = ({ left, right }: AgreementRecord): string => (left === right ? 'its repeats' : nameOf(left));
  return {
    title: 'Agreement of answers',
    isWide: true,
    notes: [
      'Answers to the same request are compared. Same fields: the share of equal values in JSON answers. Mean difference: between numbers in the same field. Changed verdicts: fields that have another word; the cell is marked in the chart. The repeats of a setting are one row, with the name of the first.',
    ],
    charts: agreementGrid(agreements, nameOf),
    header: ['compared', 'with', 'requests', 'same text', 'same fields', 'mean difference', 'changed verdicts'],
    rows: agreements.map((record) => [
      nameOf(record.right),
      leftOf(record),
      formatInteger(record.compared),
      formatPercent(record.sameText / record.compared),
      formatPercent(record.fields === 0 ? null : record.sameFields / record.fields),
      formatRate(record.meanDifference),
      formatInteger(record.changedVerdicts),
    ]),
  };
}

/** Adds up the repeats of each setting, under the number of its first trial. */
function withoutRepeats({ agreements, trials }: BenchAnalysis): AgreementRecord[] {
  const settings = groupTrials(trials, [...settingFields, 'batch']);
  const firsts = new Map(
    settings.flatMap((group) => group.map(({ record }) => [record.spec.number, group[0]!.record.spec.number])),
  );
  const merged = new Map<string, AgreementRecord>();
  for (const pair of agreements) {
    const left = pair.left === 'reference' ? pair.left : (firsts.get(pair.left) ?? pair.left);
    const right = firsts.get(pair.right) ?? pair.right;
    const known = merged.get(`${left} ${right}`);
    merged.set(`${left} ${right}`, { ...(known === undefined ? pair : sumOf(known, pair)), left, right });
  }
  return [...merged.values()];
}

function sumOf(one: AgreementRecord, other: AgreementRecord): AgreementRecord {
  const compared = one.compared + other.compared;
  const isMeasured = one.meanDifference !== null && other.meanDifference !== null;
  return {
    ...one,
    compared,
    sameText: one.sameText + other.sameText,
    fields: one.fields + other.fields,
    sameFields: one.sameFields + other.sameFields,
    changedVerdicts: one.changedVerdicts + other.changedVerdicts,
    meanDifference: isMeasured
      ? (one.meanDifference! * one.compared + other.meanDifference! * other.compared) / compared
      : (one.meanDifference ?? other.meanDifference),
  };
}

function agreementGrid(
  agreements: readonly AgreementRecord[],
  nameOf: (side: AgreementRecord['left']) => string,
): GridChart[] {
  const lefts = [...new Set(agreements.map(({ left }) => left))];
  const rights = [...new Set(agreements.map(({ right }) => right))].toSorted((one, other) => one - other);
  // One column says no more than the table.
  if (lefts.length < 2) return [];
  const grid: GridChart = {
    kind: 'grid',
    title: 'Same fields, or same texts if answers are not JSON',
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
  return [grid];
}

function cellOf(record: AgreementRecord | undefined): GridChart['rows'][number]['cells'][number] {
  const share = sameShare(record);
  if (record === undefined || share === null) return null;
  return { share, text: formatPercent(share), isSetOff: record.left !== 'reference' && record.changedVerdicts > 0 };
}

/** The worst disagreements of each pair of settings, a few each; of repeats those of the first. */
export function disagreementsPart({ analysis }: BenchReport): PagePart | null {
  const rows = withoutRepeats(analysis).flatMap(({ left, right, worst }) =>
    worst
      .slice(0, 3)
      .map((row) => [
        row.id,
        left === 'reference' ? 'expected' : `#${left}`,
        row.left,
        left === right ? `#${right} again` : `#${right}`,
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
