import { formatInteger, formatPercent, quoteForShell } from '../../text/format.ts';
import type { BenchAnalysis, TrialAnalysis, WorkerCurve } from '../analysis/analysis.ts';
import { type Recommendation, recommend } from '../analysis/recommend.ts';
import { workersOf, workersText } from '../analysis/trial-groups.ts';
import { rangeSentence } from '../analysis/worker-curve.ts';
import { rangeOf } from './quoted-rate.ts';
import type { TrialSpec } from '../records/records.ts';

/** What a user is to do, a sentence or two for each engine: all that follows in a report agrees with it. */
export function headlines(analysis: BenchAnalysis): string[] {
  const recommended = recommend(analysis);
  const isOne = new Set(analysis.trials.map(({ record: { spec } }) => `${spec.backend} ${spec.model}`)).size === 1;
  const sentences = recommended.map((recommendation) => {
    const { backend, model } = recommendation.trial.record.spec;
    return `${isOne ? '' : `${backend} ${model}: `}${headlineOf(recommendation, analysis)}`;
  });
  return [...sentences, ...failures(analysis, recommended)];
}

function headlineOf({ trial, curve }: Recommendation, analysis: BenchAnalysis): string {
  const { plan } = analysis;
  const { record, steady } = trial;
  const workers = workersOf(record);
  const range = rangeOf(steady);
  const speed = range === null ? 'nothing was answered' : rangeSentence(range);
  if (curve === null)
    return `${workersText(workers)}${extraText(record.spec, analysis)}: ${speed}.${shortText({ trial, curve }, plan)}`;
  const flags = `--workers ${workers}${extraText(record.spec, analysis)}`;
  if (!isSure({ trial, curve }))
    return `Probably best: ${flags}, about ${speed}.${shortText({ trial, curve }, plan)}${changeText(trial)}`;
  return `Use ${flags}: ${speed}.${reasonOf(curve)}${changeText(trial)}`;
}

const isSure = ({ trial, curve }: Recommendation): boolean => trial.steady.isSteady && curve?.shape !== null;

/**
 * The flags that must be given beside the number of workers: how requests are sent, and the options that the bench
 * tried several of.
 */
function extraText({ strategy, options }: TrialSpec, { trials }: BenchAnalysis): string {
  const mode = strategy === 'independent' ? '' : strategy === 'conversation' ? ' --mode conversation' : `, ${strategy}`;
  const varies = ([key, value]: [string, unknown]): boolean =>
    trials.some(({ record: { spec } }) => key in spec.options && spec.options[key] !== value);
  const pairs = Object.entries(options).filter(varies);
  return mode + pairs.map(([key, value]) => ` --option ${quoteForShell(`${key}=${value}`)}`).join('');
}

const reasons = {
  flat: ' More workers make no measurable difference.',
  'more workers help': ' The largest number that was tried is the fastest; more may be faster still.',
  "more workers don't help": " More workers don't help.",
  'more workers hurt': ' More workers are slower.',
};

/** Larger numbers that fail more requests are no reason to try more. */
const reasonOf = ({ shape, points, recommended }: WorkerCurve): string =>
  shape === null || (shape === 'more workers help' && points.at(-1)?.workers !== recommended) ? '' : reasons[shape];

const changeText = ({ changesAnswers, changedShare }: TrialAnalysis): string =>
  changesAnswers === true
    ? ` ${formatPercent(changedShare)} of its answers differ from those of the setting that it is compared with: see the agreement of answers.`
    : '';

/** Why a recommendation is not sure, and what would make it so. */
function shortText({ trial: { record, steady }, curve }: Recommendation, { input }: BenchAnalysis['plan']): string {
  const isCompared = curve !== null;
  if (steady.isSteady)
    return isCompared
      ? ' The rates with other numbers of workers are not steady yet: longer trials would show more.'
      : '';
  const ended = formatInteger(record.succeeded + record.failed);
  const needed = steady.neededRequests;
  const known = ` This is a rough rate: after ${ended} requests, it is not steady yet`;
  if (needed === null) return `${known}.`;
  const few = needed > input.requests ? `; the input has ${formatInteger(input.requests)}` : '';
  return `${known} (about ${formatInteger(needed)} requests would be enough${few}).`;
}

/** Names the engines that answered nothing, with their errors. */
function failures({ trials }: BenchAnalysis, recommended: readonly Recommendation[]): string[] {
  const answered = new Set(recommended.map(({ trial }) => engineOf(trial.record.spec)));
  const failed = trials.filter(({ record }) => !answered.has(engineOf(record.spec)));
  const byEngine = new Map(failed.map(({ record }) => [engineOf(record.spec), record.error]));
  return [...byEngine].map(
    ([engine, error]) => `${engine}: ${error === null ? 'nothing was answered' : `failed: ${error}`}`,
  );
}

const engineOf = ({ backend, model }: TrialSpec): string => `${backend} ${model}`;
