import { formatInteger, formatPercent, formatRate, quoteForShell } from '../../text/format.ts';
import type { PagePart } from '../../report/page.ts';
import type { BenchAnalysis, WorkerCurve } from '../analysis/analysis.ts';
import { describeSpec, groupTrials, ofLargestSize, settingFields, titleOf } from '../analysis/trial-groups.ts';
import { compareEngines } from '../analysis/engine-numbers.ts';
import type { PlanRecord, TrialSpec } from '../records/records.ts';
import type { BenchReport } from './bench-report.ts';
import { rangeText } from './trials-part.ts';

/** What it all comes to, in sentences. */
export const summaryPart = ({ analysis }: BenchReport): PagePart => ({
  title: 'In short',
  isWide: true,
  notes: summarySentences(analysis, shortText),
});

export function summarySentences(analysis: BenchAnalysis, textOf = ({ text }: WorkerCurve): string => text): string[] {
  return [
    ...compareEngines(analysis).map(({ backend, model, trial: { record, steady } }) =>
      steady.isSteady
        ? `At best ${formatRate(steady.rate)} req/s (${rangeText(steady)}): ${describeSpec(record.spec)} (#${record.spec.number}).`
        : `${backend} ${model}: no rate to be quoted, for no trial is steady.`,
    ),
    ...ofLargestSize(analysis.curves, (curve) => curve).map(
      (curve) => `${curve.backend} ${curve.model}, ${titleOf(curve)}: ${textOf(curve)}`,
    ),
    ...answersSentence(analysis),
    ...repeatsSentence(analysis.plan),
    ...cacheSentences(analysis),
    ...stabilitySentences(analysis),
    ...trialSentences(analysis),
  ];
}

/** The page tells the rest beside the curve. */
const shortText = ({ shape, recommended, text }: WorkerCurve): string =>
  shape === null || recommended === null ? text : `${shape}; take --workers ${recommended}.`;

function answersSentence({ trials, agreements }: BenchAnalysis): string[] {
  if (!agreements.some(({ left }) => left !== 'reference')) return [];
  const changed = trials.filter(({ changesAnswers }) => changesAnswers === true);
  const names = changed.map(({ record, changedShare }) => `#${record.spec.number} (${formatPercent(changedShare)})`);
  if (names.length > 0) return [`Settings that change the answers: ${names.join(', ')}.`];
  const most = Math.max(...trials.map(({ changedShare }) => changedShare ?? 0));
  return [
    most === 0
      ? 'No setting changes the answers.'
      : `No setting changes more than ${formatPercent(most)} of the answers.`,
  ];
}

/** Neither is the whole a user's file then, nor a rate that of one. */
export function repeatsSentence({ input, trials }: PlanRecord): string[] {
  const largest = Math.max(...trials.map(({ size }) => size));
  if (!(largest > input.requests)) return [];
  return [
    `The input has ${formatInteger(input.requests)} requests, and trials of up to ${formatInteger(largest)} send them again: a prompt that comes again is cheap, so as many different ones take longer.`,
  ];
}

/** More of its prompts than this in the cache: they come from the trial before, which had the same ones. */
const foundAgain = 0.1;

/** Repeats alone are compared: more workers keep fewer prompts each. */
function cacheSentences({ trials }: BenchAnalysis): string[] {
  const finished = trials.filter(({ record }) => record.state === 'finished');
  return groupTrials(finished, settingFields).flatMap((group) => {
    const [first = null, ...later] = group.map(({ record }) => record.summary.tokens.cacheHitRate);
    const most = Math.max(...later.map((share) => share ?? 0));
    if (first === null || most < first + foundAgain) return [];
    const { spec } = group[0]!.record;
    return [
      `${spec.backend} ${spec.model} found ${formatPercent(most)} of the prompt tokens in its cache in a later trial, and ${formatPercent(first)} in the first: it keeps whole prompts, and all trials have the same ones. Believe the first.`,
    ];
  });
}

const stabilitySentences = ({ stability }: BenchAnalysis): string[] =>
  stability.map(({ backend, model, checks }) => {
    const missed = checks.filter(({ passed }) => passed === false).map(({ name }) => name);
    const unknown = checks.filter(({ passed }) => passed === null).map((check) => check.name);
    const left = unknown.length === 0 ? '' : ` Not measured: ${unknown.join(', ')}.`;
    const name = `${backend} ${model}, batch after batch`;
    const verdict =
      missed.length === 0 ? 'within every limit that was measured' : `beyond the limit in ${missed.join(', ')}`;
    return `${name}: ${verdict}.${left}`;
  });

function trialSentences({ plan, trials }: BenchAnalysis): string[] {
  const missing = plan.trials.length - trials.length;
  const failed = trials.filter(({ record }) => record.state === 'failed').length;
  return [
    ...(missing > 0 ? [`${formatInteger(missing)} of ${formatInteger(plan.trials.length)} trials are not done.`] : []),
    ...(failed > 0 ? [`${formatInteger(failed)} trials failed.`] : []),
    ...(plan.left_out.length > 0
      ? [`The budget left out ${formatInteger(plan.left_out.length)}: ${countedSpecs(plan.left_out)}.`]
      : []),
  ];
}

/** The repeats of a setting together: `2 x ollama gemma3:4b, 4 workers, ...` */
function countedSpecs(specs: readonly TrialSpec[]): string {
  const counts = new Map<string, number>();
  for (const text of specs.map(describeSpec)) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].map(([text, count]) => (count === 1 ? text : `${count} x ${text}`)).join('; ');
}

/** Where the numbers come from. */
export function aboutPart({ analysis: { plan }, environment }: BenchReport): PagePart {
  const rows = [
    ['input', plan.input.path ?? 'the bundled candidates'],
    ['requests', formatInteger(plan.input.requests)],
    ['input SHA-256', plan.input.sha256.slice(0, 16)],
    ['started', plan.created_at],
    ['order drawn from', String(plan.seed)],
  ];
  if (environment === null) return { title: 'About', header: null, rows };
  const { llmbatch, command, node, platform, cpu, memory_bytes, gpus } = environment;
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
      ['memory', `${(memory_bytes / 1024 ** 3).toFixed(1)} GiB`],
      ['GPUs', gpuTexts.join('; ') || 'none'],
    ],
  };
}
