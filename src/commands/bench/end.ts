import { analyse } from '../../bench/analysis/analyse.ts';
import type { BenchAnalysis, TrialAnalysis } from '../../bench/analysis/analysis.ts';
import type { BenchReport } from '../../bench/report/bench-report.ts';
import { headlines } from '../../bench/report/headline.ts';
import { renderBenchText } from '../../bench/report/text.ts';
import { trialToWire } from '../../bench/records/trials-wire.ts';
import { opaqueKeys } from '../../core/settings.ts';
import { type BenchPaths, benchPaths } from '../../bench/records/bench-paths.ts';
import { workersText } from '../../bench/analysis/trial-groups.ts';
import { readEnvironment } from '../../bench/records/environment.ts';
import type { Decision } from '../../bench/analysis/decision.ts';
import { type FinishedBench, finishBench } from '../../bench/finish-bench.ts';
import { type StabilityLimits, defaultStabilityLimits } from '../../bench/analysis/stability.ts';
import type { BenchHost } from '../../bench/run-bench.ts';
import { readTrials } from '../../bench/records/trials-file.ts';
import { decideEngines } from '../../bench/report/engines-part.ts';
import { projectEngines } from '../../bench/report/projection-part.ts';
import { type ReportOptions, makeReport, writeReport } from '../../bench/report/write-report.ts';
import type { BackendDefinition } from '../../core/backend.ts';
import { exitCodes } from '../../core/errors.ts';
import { formatRate } from '../../text/format.ts';
import { printable } from '../../text/printable.ts';
import { snakeKeys } from '../../text/snake-keys.ts';
import type { BenchFlags } from './flags.ts';
import { printJsonObject, printText } from '../shared/print.ts';

/** Says what a bench found, keeps what is best, writes the report. Returns the exit code. */
export async function endBench(
  paths: BenchPaths,
  flags: BenchFlags,
  { backends, notify, stop }: Pick<BenchHost, 'backends' | 'notify' | 'stop'>,
): Promise<number> {
  notify({ topic: 'bench', text: 'comparing the answers of the trials' });
  const all = await withKeptFlags(paths, flags);
  const bench = await finishBench(paths, { backends, environment: process.env, limits: limitsOf(all), stop, notify });
  if (!bench.isCompared)
    notify({ topic: 'bench', text: 'stopped: not all answers are compared, and nothing is saved' });
  await printBench(bench, paths, all);
  return exitCodeOf(bench.analysis);
}

/** `bench --report`: the same again, from the records alone. */
export async function reportBench(
  folder: string,
  flags: BenchFlags,
  backends: readonly BackendDefinition[],
): Promise<number> {
  const paths = benchPaths(folder);
  const all = await withKeptFlags(paths, flags);
  const analysis = analyse(await readTrials(paths.trials), backends, limitsOf(all));
  await printBench({ analysis, isCompared: true, saved: [] }, paths, all);
  return exitCodeOf(analysis);
}

/** The flags of the report as given now, else as the bench was started with. */
async function withKeptFlags(paths: BenchPaths, flags: BenchFlags): Promise<BenchFlags> {
  const kept = await readEnvironment(paths.environment).catch(() => null);
  return { ...kept?.report, ...flags } as BenchFlags;
}

async function printBench({ analysis, saved }: FinishedBench, paths: BenchPaths, flags: BenchFlags): Promise<void> {
  const report = await makeReport(analysis, paths, reportOptionsOf(flags));
  const page = await writeReport(report, paths);
  if (flags.json || flags.onSummary !== undefined) {
    const settings = saved.map(({ setting, path }) => ({ ...setting, path }));
    const facts = { folder: paths.folder, report: page, ...factsOf(report, settings) };
    flags.onSummary?.(facts);
    if (flags.json) return void (await printJsonObject(facts));
  }
  const isNew = flags.report === undefined;
  const lines = [...(isNew ? savedLines(saved, analysis) : []), `Report: ${page}`];
  await printText(`${renderBenchText(report)}\n${lines.join('\n')}\n`);
}

function factsOf(report: BenchReport, saved: object[]): object {
  const { trials, ...analysis } = report.analysis;
  const decision = withoutTrials(decideEngines(report));
  const recommendations = headlines(report.analysis);
  const told = { saved, recommendations, projections: projectEngines(report), decision, ...analysis };
  return { ...(snakeKeys(told, opaqueKeys) as object), trials: trials.map(trialFacts) };
}

/** A trial with its windows in the place of the raw numbers that they are made of. */
function trialFacts({ record, windows, ...analysis }: TrialAnalysis): object {
  const { results: _results, machine: _machine, windows: _kept, ...rest } = record;
  const facts = { ...trialToWire(rest), windows: snakeKeys(windows) };
  return { record: facts, ...(snakeKeys(analysis) as object) };
}

/** The trials stand for themselves. */
const withoutTrials = (decision: Decision | null) =>
  decision && {
    ...decision,
    rows: decision.rows.map(({ engine: { trial, ...engine }, ...row }) => ({
      ...row,
      engine: { ...engine, trial: trial.record.spec.number },
    })),
  };

const reportOptionsOf = ({ project, priceIn, priceOut, weights }: BenchFlags): ReportOptions => ({
  projectTo: project ?? null,
  prices: { in: priceIn ?? null, out: priceOut ?? null },
  weights: weights ?? {},
});

function savedLines(saved: FinishedBench['saved'], { curves, trials }: BenchAnalysis): string[] {
  if (trials.every(({ record }) => record.succeeded === 0)) return [];
  if (saved.length === 0) return [`Nothing saved for \`run --workers auto\`: ${whyNothing({ curves, trials })}.`];
  const written = saved.filter(({ path }) => path !== null);
  return written.map(
    ({ setting: { backend, model, workers, rate }, path }) =>
      `Saved for \`run --workers auto\`: ${backend} ${printable(model)}, ${workersText(workers)} (${formatRate(rate)} req/s), in ${path}`,
  );
}

function whyNothing({ curves, trials }: Pick<BenchAnalysis, 'curves' | 'trials'>): string {
  if (trials.some(({ record }) => record.servers !== undefined))
    return 'it is saved only for a single server, and these trials had several; use --workers, which counts for each server';
  if (curves.length === 0) return 'it needs several numbers of workers to compare, and only one was tried';
  if (curves.every(({ strategy }) => strategy !== 'independent'))
    return 'it is saved only for the strategy independent';
  return 'the trials were too short to be sure of the best number';
}

function limitsOf({ vramDelta, vramLeak, rateVariance, maxReloads, minSuccess }: BenchFlags): StabilityLimits {
  return {
    vramDeltaBytes: vramDelta ?? defaultStabilityLimits.vramDeltaBytes,
    vramLeakBytes: vramLeak ?? defaultStabilityLimits.vramLeakBytes,
    rateVariance: rateVariance ?? defaultStabilityLimits.rateVariance,
    reloads: maxReloads ?? defaultStabilityLimits.reloads,
    success: minSuccess ?? defaultStabilityLimits.success,
  };
}

function exitCodeOf({ trials, stability }: BenchAnalysis): number {
  const failed = trials.filter(({ record }) => record.state === 'failed').length;
  if (failed > 0 && failed === trials.length) return exitCodes.engineUnusable;
  const isUnstable = stability.some(({ checks }) => checks.some(({ passed }) => passed === false));
  // Of batches, how many may fail is a limit.
  const hasFailures =
    failed > 0 || trials.some(({ record: { spec, failed: lost } }) => spec.batch === null && lost > 0);
  return isUnstable || hasFailures ? exitCodes.someFailed : exitCodes.ok;
}
