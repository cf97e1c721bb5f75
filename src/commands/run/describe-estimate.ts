import type { RunEstimate } from '../../bench/estimate-run.ts';
import { failureTexts } from '../../report/failures/failure-rows.ts';
import { formatCount, formatCounted, formatDuration, formatInteger, formatRate } from '../../text/format.ts';

/** What a sample tells of its whole input, as a text. */
export function describeEstimate(input: string, found: RunEstimate): string {
  const { requests, servers, succeeded, tokens } = found;
  const measured = [
    `  rate    ${formatRate(found.rate)} req/s${rangeText(found)}${firstText(found)}`,
    `  time    ${hoursText(found)}`,
    `  tokens  ${formatCount(tokens.prompt)} prompt, ${formatCount(tokens.completion)} completion`,
  ];
  return [
    `${input}: ${formatInteger(requests)} requests`,
    ...(servers === undefined ? [] : [`  servers ${servers.join(', ')}, all together`]),
    `  sample  ${sampleText(found)}`,
    ...failureTexts(found.errors).map((text, index) => `  ${index === 0 ? 'errors' : '      '}  ${text}`),
    ...(succeeded > 0 ? measured : [`  time    ${minText(found)}`]),
    ...adviceOf(found),
    'Nothing was written.',
    '',
  ].join('\n');
}

function sampleText({ succeeded, failed, seconds, loadMs, unfinished }: RunEstimate): string {
  const failures = failed === 0 ? '' : `, ${formatInteger(failed)} failed`;
  const ended = `${formatInteger(succeeded)} answered${failures}`;
  const time = formatDuration((unfinished?.seconds ?? seconds) * 1000);
  const cut =
    unfinished === null ? '' : `; ${formatInteger(unfinished.requests)} in flight, ${writtenText(unfinished)}`;
  return `${ended} in ${time}${cut}${loadMs === null ? '' : `; the model was loaded in ${formatDuration(loadMs)}`}`;
}

const writtenText = ({ tokens }: Unfinished): string =>
  tokens === null ? 'of which no token came' : `with ${formatCounted(tokens, 'token')} so far`;

type Unfinished = NonNullable<RunEstimate['unfinished']>;

function rangeText({ requests, sampled, steady, rate, isTimeOver }: RunEstimate): string {
  const { isSteady, low, high, neededRequests } = steady;
  if (isSteady) return ` (${formatRate(Math.max(0, low ?? 0))} to ${formatRate(high)})`;
  if (sampled === requests && !isTimeOver) return ', which is not steady: these are all that there are';
  const needed = neededRequests === null ? '' : `: --estimate ${sampleFor(neededRequests, rate)} would be more exact`;
  return `, not steady yet${needed}`;
}

/** What a quick look would have said; empty where there were not so many. */
const firstText = ({ first20Rate }: RunEstimate): string =>
  first20Rate === null ? '' : `; the first 20: ${formatRate(first20Rate)} req/s`;

/** So many requests, or minutes where they take longer than a sample does by itself. */
function sampleFor(requests: number, rate: number | null): string {
  const minutes = rate === null ? 0 : requests / rate / 60;
  return minutes > 1 ? `${Math.ceil(minutes)}m` : String(requests);
}

function hoursText({ hours, steady }: RunEstimate): string {
  if (hours === null) return 'n/a';
  const { expected, low, high } = hours;
  const range = high === null ? `${formatHours(low ?? 0)} or more` : `${formatHours(low ?? 0)} to ${formatHours(high)}`;
  return `about ${formatHours(expected)} (${range})${steady.isSteady ? '' : ', by a rate that is not steady'}`;
}

/** What is known where no answer came. */
function minText({ unfinished }: RunEstimate): string {
  if (unfinished?.minHours == null) return 'n/a: nothing was answered';
  const { requests, tokens, seconds, minHours } = unfinished;
  const speed = tokens === null ? '' : ` (${formatRate(tokens / seconds)} tok/s in all)`;
  const each = `no answer ended within ${formatDuration(seconds * 1000)}, with ${formatInteger(requests)} at once${speed}`;
  return `${formatHours(minHours)} or more: ${each}`;
}

/** How to get an estimate where no answer came in time. */
function adviceOf({ succeeded, unfinished }: RunEstimate): string[] {
  if (succeeded > 0 || unfinished === null) return [];
  const longer = '--estimate 10m waits longer';
  return unfinished.tokens === null
    ? [
        `The engine may be reading long prompts, may not stream its answers, or may hang: run llmbatch doctor, ${longer}.`,
      ]
    : [`--max-tokens makes the answers shorter, ${longer}.`];
}

const formatHours = (hours: number): string => formatDuration(hours * 3_600_000);
