import { formatBytes, formatDuration, formatInteger, formatPercent, formatRate } from '../../text/format.ts';
import type { PagePart } from '../../report/page.ts';
import { type BenchAnalysis, type Cause, type TrialAnalysis, causes } from '../analysis/analysis.ts';
import type { Steady } from '../statistics/steady.ts';
import type { BenchReport } from './bench-report.ts';
import { groupSettings } from '../analysis/trial-groups.ts';
import { quotedRate, rateLegend, withoutUnmeasured } from './quoted-rate.ts';
import { nameSettings, nameTrials } from './trial-names.ts';

/** Every trial with its rate, and what a quick look would have promised. */
export function trialsPart({ analysis }: BenchReport): PagePart {
  return {
    title: 'Trials',
    isWide: true,
    notes: ['A trial is steady if it has enough answers and its rate neither rises nor falls.', rateLegend],
    ...withoutUnmeasured(header, trialRows(analysis)),
  };
}

const header = ['trial', 'req/s', '95 % range', 'first 20', 'tok/s'].concat([
  'latency p50',
  'p95',
  'first token',
  'answered',
  'VRAM',
  'remarks',
]);

function trialRows({ trials }: BenchAnalysis): string[][] {
  const names = nameTrials(trials.map(({ record }) => record));
  return trials.map((trial) => {
    const { record, steady } = trial;
    const { latencyMs, ttftMs } = record.summary.times;
    const { gpuPeakBytes } = record.summary.machine;
    return [
      names.get(record.spec.number) ?? '',
      ...quotedRate(steady),
      formatRate(record.first20Rate),
      formatRate(steady.generationRate),
      formatDuration(latencyMs?.p50 ?? null),
      formatDuration(latencyMs?.p95 ?? null),
      formatDuration(ttftMs?.p50 ?? null),
      answeredText(record),
      formatBytes(gpuPeakBytes),
      remarksOf(trial),
    ];
  });
}

const answeredText = ({ succeeded, failed }: TrialAnalysis['record']): string =>
  formatPercent(succeeded + failed === 0 ? null : succeeded / (succeeded + failed));

function remarksOf({ record, steady, changesAnswers, changedShare, verdicts }: TrialAnalysis): string {
  if (record.state === 'failed') return `failed: ${record.error ?? 'unknown'}`;
  return [
    steadyRemark(steady),
    changesAnswers === true ? `CHANGES ANSWERS (${formatPercent(changedShare)})` : '',
    ...verdicts.map(({ cause }) => cause),
    loweredText(record),
    // A baseline loads the model for each request.
    record.reloads > 0 && record.spec.strategy !== 'baseline' ? `${formatInteger(record.reloads)} reloads` : '',
  ]
    .filter(Boolean)
    .join('; ');
}

function steadyRemark({ isSteady, neededRequests, trend }: Steady): string {
  const slower = trend !== null && trend < 0 ? `slows down by ${formatPercent(-trend)}` : '';
  if (isSteady) return slower;
  const needed = neededRequests === null ? '' : ` (needs ${formatInteger(neededRequests)})`;
  return [`not steady${needed}`, slower].filter(Boolean).join('; ');
}

/** Fewer workers than asked for: memory was short, or a server refused more. */
const loweredText = ({ spec, workers }: TrialAnalysis['record']): string =>
  spec.workers !== null && workers !== null && workers < spec.workers ? `lowered to ${workers}` : '';

/** Why each setting is as fast as it is. */
export const verdictsPart = ({ analysis: { trials } }: BenchReport): PagePart => ({
  title: 'Why',
  isWide: true,
  header: ['setting', 'cause', 'its numbers'],
  rows: reasonsOf(trials).map(({ setting, cause, text }) => [setting, cause, text]),
});

export interface Reason {
  setting: string;
  cause: Cause | 'decline';
  text: string;
}

/** The verdicts of each setting, the weightiest first; each verdict is that of the last of its trials that has it. */
export function reasonsOf(trials: readonly TrialAnalysis[]): Reason[] {
  const nameOf = nameSettings(trials.map(({ record }) => record));
  return groupSettings(trials).flatMap((group) => {
    const setting = nameOf(group[0]!.record);
    const verdicts = new Map(group.flatMap((trial) => trial.verdicts.map((verdict) => [verdict.cause, verdict])));
    const found = causes.map((cause) => verdicts.get(cause)).filter((verdict) => verdict !== undefined);
    return found.length > 0 ? found.map((verdict) => ({ setting, ...verdict })) : declineOf(setting, group);
  });
}

/** Tells of a slow decline for which no cause was found. */
function declineOf(setting: string, group: readonly TrialAnalysis[]): Reason[] {
  const trend = Math.min(...group.map(({ steady }) => steady.trend ?? 0));
  const text = `It slows down by ${formatPercent(-trend)} during a trial. No measured number shows why.`;
  return trend < 0 ? [{ setting, cause: 'decline', text }] : [];
}
