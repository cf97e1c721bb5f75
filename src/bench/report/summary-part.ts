import { formatCounted, formatInteger, formatPercent, quoteForShell } from '../../text/format.ts';
import { failureTexts } from '../../report/failures/failure-rows.ts';
import type { PagePart } from '../../report/page.ts';
import type { BenchAnalysis } from '../analysis/analysis.ts';
import { describeSpec, groupTrials, ofLargestSize, settingFields, titleOf } from '../analysis/trial-groups.ts';
import type { PlanRecord, TrialRecord, TrialSpec } from '../records/records.ts';
import type { BenchReport } from './bench-report.ts';
import { headlines } from './headline.ts';

/** The recommendation, and what else a bench found, in sentences. */
export const summaryPart = ({ analysis }: BenchReport): PagePart => ({
  title: 'In short',
  isWide: true,
  notes: [...headlines(analysis), ...summarySentences(analysis)],
});

/** What a bench found, beside its recommendation. */
export function summarySentences(analysis: BenchAnalysis): string[] {
  return [
    ...serversSentence(analysis),
    ...failuresSentence(analysis),
    ...answersSentence(analysis),
    ...repeatsSentence(analysis.plan),
    ...cacheSentences(analysis),
    ...stabilitySentences(analysis),
    ...trialSentences(analysis),
  ];
}

/** What more workers do, for each setting at its largest size. */
export const curveSentences = ({ curves }: BenchAnalysis): string[] =>
  ofLargestSize(curves, (curve) => curve).map(
    (curve) => `${curve.backend} ${curve.model}, ${titleOf(curve)}: ${curve.text}`,
  );

function serversSentence(analysis: BenchAnalysis): string[] {
  const names = serversOf(analysis);
  if (names.length === 0) return [];
  return [
    `${names.length} servers shared the requests of each trial: ${names.join(', ')}. --workers is the number for each server.`,
  ];
}

/** The servers that shared the requests of trials; none where each trial had one. */
const serversOf = ({ trials }: BenchAnalysis): string[] => [
  ...new Set(trials.flatMap(({ record }) => record.servers ?? [])),
];

/** How many requests failed, what the numbers say of them, and why they failed in the trial that has the largest share. */
function failuresSentence({ trials }: BenchAnalysis): string[] {
  const records = trials.map(({ record }) => record).filter(({ failed }) => failed > 0);
  const [worst] = records.toSorted((one, other) => failedShare(other) - failedShare(one));
  if (worst === undefined) return [];
  const failed = records.reduce((sum, record) => sum + record.failed, 0);
  const all = trials.reduce((sum, { record }) => sum + record.succeeded + record.failed, 0);
  return [
    `${formatInteger(failed)} of ${formatInteger(all)} requests failed. Rates and latencies are those of the other requests. A projected time is for all requests, with the same share of failures.`,
    `The failures of trial ${worst.spec.number}: ${failureTexts(worst.summary.errors).join('; ')}.`,
  ];
}

const failedShare = ({ succeeded, failed }: TrialRecord): number => failed / (succeeded + failed);

function answersSentence({ trials, agreements }: BenchAnalysis): string[] {
  const compared = agreements.filter(({ left }) => left !== 'reference').map((pair) => pair.compared);
  if (compared.length === 0) return [];
  const changed = trials.filter(({ changesAnswers }) => changesAnswers === true);
  const names = changed.map(({ record, changedShare }) => `#${record.spec.number} (${formatPercent(changedShare)})`);
  if (names.length > 0) return [`Settings that change the answers: ${names.join(', ')}.`];
  const max = Math.max(...trials.map(({ changedShare }) => changedShare ?? 0));
  const requests = formatCounted(Math.min(...compared), 'request');
  const base = new Set(compared).size === 1 ? requests : `${requests} or more`;
  return [
    max === 0
      ? `No setting changed an answer (compared: ${base}).`
      : `No setting changed more than ${formatPercent(max)} of the answers (compared: ${base}).`,
  ];
}

/** Says where a trial has more requests than the input: its rate is not that of as many different requests. */
export function repeatsSentence({ input, trials }: PlanRecord): string[] {
  const largest = Math.max(...trials.map(({ size }) => size));
  if (!(largest > input.requests)) return [];
  return [
    `The input has ${formatInteger(input.requests)} requests, and trials of up to ${formatInteger(largest)} send some of them more than once. A repeated prompt is faster, so the same number of different requests takes longer.`,
  ];
}

/**
 * Share of the prompt tokens that a later trial finds in the cache beyond the first: they come from the trial before.
 */
const foundAgain = 0.1;

/** Says where later trials found prompts in the cache that an earlier one left. Repeats alone are compared. */
function cacheSentences({ trials }: BenchAnalysis): string[] {
  const finished = trials.filter(({ record }) => record.state === 'finished');
  return groupTrials(finished, settingFields).flatMap((group) => {
    const [first = null, ...later] = group.map(({ record }) => record.summary.tokens.cacheHitRate);
    const max = Math.max(...later.map((share) => share ?? 0));
    if (first === null || max < first + foundAgain) return [];
    const { spec } = group[0]!.record;
    return [
      `${spec.backend} ${spec.model} found ${formatPercent(max)} of the prompt tokens in its cache in a later trial, and ${formatPercent(first)} in the first. The cache keeps whole prompts, and all trials have the same prompts, so only the first trial shows the real rate.`,
    ];
  });
}

const stabilitySentences = ({ stability }: BenchAnalysis): string[] =>
  stability.map(({ backend, model, checks }) => {
    const missed = checks.filter(({ passed }) => passed === false).map(({ name }) => name);
    const unknown = checks.filter(({ passed }) => passed === null).map((check) => check.name);
    const left = unknown.length === 0 ? '' : ` Not measured: ${unknown.join(', ')}.`;
    const name = `Stability of ${backend} ${model}`;
    const verdict =
      missed.length === 0 ? 'within all limits that were measured' : `over the limit: ${missed.join(', ')}`;
    return `${name}: ${verdict}.${left}`;
  });

function trialSentences({ plan, trials, leftOut }: BenchAnalysis): string[] {
  const missing = plan.trials.length - trials.length - leftOut.length;
  const failed = trials.filter(({ record }) => record.state === 'failed').length;
  return [
    ...(missing > 0 ? [`${formatInteger(missing)} of ${formatInteger(plan.trials.length)} trials are not done.`] : []),
    ...(failed > 0 ? [`${formatInteger(failed)} ${failed === 1 ? 'trial' : 'trials'} failed.`] : []),
    ...(leftOut.length > 0 ? [`The budget left out ${formatInteger(leftOut.length)}: ${countedSpecs(leftOut)}.`] : []),
  ];
}

/** The repeats of a setting together: `2 x ollama gemma3:4b, 4 workers, ...` */
function countedSpecs(specs: readonly TrialSpec[]): string {
  const counts = new Map<string, number>();
  for (const text of specs.map(describeSpec)) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].map(([text, count]) => (count === 1 ? text : `${count} x ${text}`)).join('; ');
}

/** A sentence that says where the numbers come from. */
export function aboutPart({ analysis, environment }: BenchReport): PagePart {
  const { plan } = analysis;
  const servers = serversOf(analysis);
  const rows = [
    ['input', plan.input.path ?? 'the bundled candidates'],
    ['requests', formatInteger(plan.input.requests)],
    ['input SHA-256', plan.input.sha256.slice(0, 16)],
    ['started', plan.createdAt],
    ['seed of the order', String(plan.seed)],
    ...(servers.length === 0 ? [] : [['servers', servers.join(', ')]]),
  ];
  if (environment === null) return { title: 'About', header: null, rows };
  const { llmbatch, command, node, platform, cpu, memoryBytes, gpus } = environment;
  const gpuTexts = gpus.map(({ name, driver }) => `${name}, driver ${driver}`);
  return {
    title: 'About',
    header: null,
    rows: [
      ...rows,
      ['command', command.map(quoteForShell).join(' ')],
      ['llmbatch', llmbatch],
      ['Node', node],
      ['system', platform],
      ['CPU', `${cpu.model}, ${formatInteger(cpu.threads)} threads`],
      ['memory', `${(memoryBytes / 1024 ** 3).toFixed(1)} GiB`],
      ['GPUs', gpuTexts.join('; ') || 'none'],
    ],
  };
}
