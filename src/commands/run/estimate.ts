import { type RunEstimate, estimateRun } from '../../bench/estimate-run.ts';
import type { BackendDefinition } from '../../core/backend.ts';
import { exitCodes } from '../../core/errors.ts';
import { formatCount, formatDuration, formatInteger, formatRate } from '../../text/format.ts';
import { snakeKeys } from '../../text/snake-keys.ts';
import { createBackendCache } from '../../run/choose/backend-cache.ts';
import type { RunHost, RunRequest } from '../../run/run-request.ts';
import type { ProgressMode } from '../../progress/index.ts';
import { failureTexts } from '../../report/failures/failure-rows.ts';
import { watchInterrupts } from '../shared/interrupts.ts';
import { withScratchFolder } from '../shared/scratch-paths.ts';
import { createScreen } from '../shared/screen.ts';
import { printJson, printWrapped } from '../shared/print.ts';

const usualSample = { size: 200, maxMs: 60_000 };

interface EstimateOptions {
  backends: readonly BackendDefinition[];
  /** Requests of the sample; null: as many as usual. */
  size: number | null;
  json: boolean;
  progress: ProgressMode;
  verbose: boolean;
}

/**
 * `run --estimate`: a timed sample of each input, and what the whole of it would take. Writes nothing. `size` null: the
 * usual.
 */
export async function estimate(
  requests: readonly RunRequest[],
  { backends, size: asked, json, progress, verbose }: EstimateOptions,
): Promise<number> {
  // A sample whose size was asked for is not stopped by time.
  const sample = asked === null ? usualSample : { size: asked, maxMs: null };
  const cache = createBackendCache();
  const screen = createScreen(progress, verbose);
  let hasAnswers = true;
  const interrupts = watchInterrupts(() => screen.note('stopping: the estimate is made of what is there'));
  try {
    for (const request of requests) {
      const host: RunHost = {
        backends,
        environment: process.env,
        stdin: process.stdin,
        stop: interrupts.stop,
        abort: interrupts.abort,
        notify: screen.notify,
        onStart: (snapshot) => screen.start(snapshot, `${request.input}: a sample`),
        onResults: null,
      };
      const found = await withScratchFolder((folder) =>
        estimateRun(request, { ...sample, folder }, { host, cache }),
      ).finally(screen.close);
      hasAnswers &&= found.succeeded > 0;
      if (json) await printJson(`${JSON.stringify(toWire(request.input, found))}\n`);
      else await printWrapped(render(request.input, found));
      if (interrupts.stop.aborted) break;
    }
    return interrupts.exitCode() ?? (hasAnswers ? exitCodes.ok : exitCodes.someFailed);
  } finally {
    screen.close();
    await cache.close();
    interrupts.close();
    process.stdin.destroy();
  }
}

const toWire = (input: string, { first20Rate, errors, ...found }: RunEstimate): object => ({
  input,
  ...(snakeKeys(found) as object),
  failures: errors.failures,
  first_20_rate: first20Rate,
});

function render(input: string, found: RunEstimate): string {
  const { succeeded, failed, seconds, rate, first20Rate, tokens, loadMs } = found;
  const failures = failed === 0 ? '' : `, ${formatInteger(failed)} failed`;
  const load = loadMs === null ? '' : `; the model was loaded in ${formatDuration(loadMs)}`;
  return [
    `${input}: ${formatInteger(found.requests)} requests`,
    `  sample  ${formatInteger(succeeded)} answered${failures} in ${formatDuration(seconds * 1000)}${load}`,
    ...failureTexts(found.errors).map((text, index) => `  ${index === 0 ? 'errors' : '      '}  ${text}`),
    `  rate    ${formatRate(rate)} req/s${rangeText(found)}; the first 20: ${formatRate(first20Rate)} req/s`,
    `  time    ${hoursText(found)}`,
    `  tokens  ${formatCount(tokens.prompt)} prompt, ${formatCount(tokens.completion)} completion`,
    'Nothing was written.',
    '',
  ].join('\n');
}

function rangeText({ requests, sampled, steady }: RunEstimate): string {
  const { isSteady, low, high, neededRequests } = steady;
  if (isSteady) return ` (${formatRate(Math.max(0, low ?? 0))} to ${formatRate(high)})`;
  if (sampled === requests) return ', which is not steady: these are all that there are';
  const needed = neededRequests === null ? '' : `: --estimate ${neededRequests} would tell more`;
  return `, not steady yet${needed}`;
}

function hoursText({ hours, steady }: RunEstimate): string {
  if (hours === null) return 'n/a: nothing was answered';
  const { expected, low, high } = hours;
  const range = high === null ? `${formatHours(low ?? 0)} or more` : `${formatHours(low ?? 0)} to ${formatHours(high)}`;
  return `about ${formatHours(expected)} (${range})${steady.isSteady ? '' : ', by a rate that is not steady'}`;
}

const formatHours = (hours: number): string => formatDuration(hours * 3_600_000);
