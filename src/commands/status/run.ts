import { dirname } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import { formatLocalTime, quoteForShell } from '../../text/format.ts';
import { snakeKeys } from '../../text/snake-keys.ts';
import type { ResultSample } from '../../core/events.ts';
import { parseResultLine } from '../../core/result-line.ts';
import { createResultCounter, sampleOf } from '../../core/result-counter.ts';
import { type Snapshot, snapshotToWire } from '../../core/snapshot.ts';
import { type FoundRun, findManifest } from '../../journal/manifest/find-manifest.ts';
import type { Manifest } from '../../journal/manifest/manifest.ts';
import { readBestResults } from '../../journal/read-best-results.ts';
import { pathsOf } from '../../journal/manifest/run-paths.ts';
import { createMeter } from '../../metrics/meter.ts';
import { renderSummary } from '../../report/summary.ts';
import { hasNoResults } from '../../run/files/run-files.ts';
import { oneLiveRun } from '../shared/runs/find-live-run.ts';
import { findRun, stateOf } from '../shared/runs/find-run.ts';
import { retryFactsOf } from '../../report/failures/retry-steps.ts';
import { mergeStepOf } from '../merge/step.ts';
import { printJsonObject, printWrapped } from '../shared/print.ts';

/** Runs `llmbatch status`. */
export async function showStatus(output: string | undefined, { json }: { json: boolean }): Promise<void> {
  const reason = output === undefined ? null : await whyNoManifest(output);
  if (output !== undefined && reason !== null) return showOutput(pathsOf(output).output, reason, json);
  const live = output === undefined ? await oneLiveRun() : null;
  const run = await findRun(live?.output ?? output, { what: 'no run', isWanted: () => true });
  if (live !== null && !json && isElsewhere(run))
    await printWrapped(`Your run in progress, in another folder: ${run.manifest.cwd}\n`);
  return showRun(run, json);
}

/** The run was started in another folder than this one, and its output is not here either. */
const isElsewhere = ({ manifest, manifestPath }: FoundRun): boolean =>
  manifest.cwd !== process.cwd() && dirname(manifestPath) !== process.cwd();

async function showRun(run: FoundRun, json: boolean): Promise<void> {
  const { output: path, manifest } = run;
  const state = await stateOf(run);
  // A killed run could not say what it did since it last wrote its manifest.
  const summary = state === manifest.state ? manifest.summary : await recount(path, manifest);
  if (json) {
    const { runId, updatedAt, reason, input, shard, models, mode } = manifest;
    const paused = state === 'running' ? manifest.paused : null;
    const { background, hours } = manifest.runner;
    const kept = { state, output: path, runId, updatedAt, paused, background, hours };
    const facts = { ...kept, reason, input, shard, models, mode };
    await printJsonObject(statusJson(facts, summary));
  } else {
    await printWrapped(
      summary === null
        ? `${path}: ${state}, no request done yet\n`
        : await render(path, { ...manifest, state }, summary),
    );
  }
}

/** Why an output has results but no manifest that can be read; null where it has one, or no results. */
async function whyNoManifest(output: string): Promise<string | null> {
  const paths = pathsOf(output);
  if (await hasNoResults(paths)) return null;
  try {
    return (await findManifest(paths)) === null ? `there is no ${paths.manifest}` : null;
  } catch (error) {
    return messageOf(error);
  }
}

/** Shows what the results of an output tell without a manifest. */
async function showOutput(output: string, reason: string, json: boolean): Promise<void> {
  const meter = createMeter();
  await eachResult(output, meter.addEarlier);
  const summary = meter.snapshot();
  const facts = {
    state: 'unknown',
    output,
    runId: null,
    updatedAt: null,
    reason,
    input: null,
    shard: null,
    models: [],
    mode: null,
  };
  const text = `${renderSummary(summary, { outputPath: output })}  of the output alone: ${reason}\n`;
  if (json) await printJsonObject(statusJson(facts, summary));
  else await printWrapped(text);
}

/** The status as JSON: the facts of the run, and its snapshot as `--progress json` prints it. */
const statusJson = (facts: object, summary: Snapshot | null): object => ({
  ...(snakeKeys(facts) as object),
  ...(summary === null ? {} : snapshotToWire(summary)),
});

async function render(output: string, manifest: Manifest, summary: Snapshot): Promise<string> {
  const { state, reason, updatedAt, paused } = manifest;
  const isStopped = state === 'stopped';
  const resume = isStopped ? { resumeCommand: `llmbatch resume ${quoteForShell(output)}` } : {};
  const because = isStopped && reason !== null ? { because: reason } : {};
  const retry = state === 'finished' ? { retry: retryFactsOf(manifest, output) } : {};
  const asOf = formatLocalTime(updatedAt);
  const pause = state === 'running' && paused !== null ? { paused: pausedText(paused, output) } : {};
  return renderSummary(summary, {
    outputPath: output,
    isRunning: state === 'running',
    asOf,
    ...resume,
    ...retry,
    ...because,
    ...(await mergeStepOf(manifest, output)),
    ...pause,
    sharing: state === 'finished' ? '' : sharingText(manifest),
  });
}

function pausedText({ by, since, until }: NonNullable<Manifest['paused']>, output: string): string {
  const end = until === null ? '' : `, until ${formatLocalTime(until)}`;
  return `by ${by}, since ${formatLocalTime(since)}${end}; to continue: llmbatch resume ${quoteForShell(output)}`;
}

/** How a run leaves the machine to others. */
function sharingText({ runner: { background, hours } }: Manifest): string {
  const ways = [background ? 'gives way to others' : '', hours === null ? '' : `works in the hours ${hours}`];
  return ways.filter(Boolean).join(', ');
}

/** The last snapshot of a killed run, with the counts and tokens of what its output holds now. */
async function recount(output: string, { input, summary }: Manifest): Promise<Snapshot | null> {
  if (summary === null) return null;
  const counter = createResultCounter();
  await eachResult(output, counter.add);
  const { tokens, errors, ...counts } = counter.counts();
  const total = summary.progress.total ?? input.requests + input.rejected;
  return { ...summary, progress: { ...summary.progress, ...counts, total }, tokens, errors };
}

async function eachResult(output: string, add: (sample: ResultSample) => void): Promise<void> {
  for await (const bytes of readBestResults([output])) {
    const line = parseResultLine(bytes.toString('utf8'));
    if (line !== null) add(sampleOf(line));
  }
}
