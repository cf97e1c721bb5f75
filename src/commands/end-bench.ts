import { analyse } from '../bench/analyse.ts';
import type { BenchAnalysis } from '../bench/analysis.ts';
import { renderBenchText } from '../bench/bench-text.ts';
import { type BenchPlaces, benchPlaces } from '../bench/bench-places.ts';
import { workersText } from '../bench/describe-spec.ts';
import { readEnvironment } from '../bench/environment.ts';
import type { Decision } from '../bench/decision.ts';
import { type FinishedBench, finishBench } from '../bench/finish-bench.ts';
import { type StabilityLimits, defaultStabilityLimits } from '../bench/stability-checks.ts';
import type { BenchHost } from '../bench/run-bench.ts';
import { readTrials } from '../bench/trials-file.ts';
import { decideEngines } from '../bench/report/engines-part.ts';
import { projectEngines } from '../bench/report/projection-part.ts';
import { type ReportWishes, makeReport, writeReport } from '../bench/write-report.ts';
import { exitCodes } from '../core/errors.ts';
import { formatRate } from '../core/format.ts';
import { printable } from '../core/printable.ts';
import { snakeKeys } from '../core/snake-keys.ts';
import type { BenchFlags } from './bench-flags.ts';
import { printJson, printText } from './print.ts';

/** Says what a bench found, keeps what is best, writes the report. Returns the exit code. */
export async function endBench(
  places: BenchPlaces,
  flags: BenchFlags,
  { onNote, stop }: Pick<BenchHost, 'onNote' | 'stop'>,
): Promise<number> {
  onNote('comparing the answers of the trials');
  const all = await withKeptFlags(places, flags);
  const bench = await finishBench(places, { environment: process.env, limits: limitsOf(all), stop, onNote });
  if (!bench.isCompared) onNote('stopped: not all answers are compared, and nothing is saved');
  await printBench(bench, places, all);
  return exitCodeOf(bench.analysis);
}

/** `bench --report`: the same again, from the records alone. */
export async function reportBench(folder: string, flags: BenchFlags): Promise<number> {
  const places = benchPlaces(folder);
  const all = await withKeptFlags(places, flags);
  const analysis = analyse(await readTrials(places.trials), limitsOf(all));
  await printBench({ analysis, isCompared: true, saved: [] }, places, all);
  return exitCodeOf(analysis);
}

/** The flags of the report as given now, else as the bench was started with. */
async function withKeptFlags(places: BenchPlaces, flags: BenchFlags): Promise<BenchFlags> {
  const kept = await readEnvironment(places.environment).catch(() => null);
  return { ...kept?.report, ...flags } as BenchFlags;
}

async function printBench({ analysis, saved }: FinishedBench, places: BenchPlaces, flags: BenchFlags): Promise<void> {
  const report = await makeReport(analysis, places, wishesOf(flags));
  const page = await writeReport(report, places);
  if (flags.json) {
    const settings = saved.map(({ setting, path }) => ({ ...setting, path }));
    const told = { projections: projectEngines(report), decision: withoutTrials(decideEngines(report)), ...analysis };
    const facts = { folder: places.folder, report: page, saved: settings, ...(snakeKeys(told) as object) };
    await printJson(`${JSON.stringify(facts)}\n`);
    return;
  }
  const isNew = flags.report === undefined;
  const lines = [...(isNew ? savedLines(saved, analysis) : []), `Report: ${page}`];
  await printText(`${renderBenchText(report)}\n${lines.join('\n')}\n`);
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

const wishesOf = ({ project, priceIn, priceOut, weights }: BenchFlags): ReportWishes => ({
  projectTo: project ?? null,
  prices: { in: priceIn ?? null, out: priceOut ?? null },
  weights: weights ?? {},
});

function savedLines(saved: FinishedBench['saved'], { curves }: BenchAnalysis): string[] {
  if (saved.length === 0) return [`Nothing saved for \`run --workers auto\`: ${whyNothing(curves)}.`];
  const written = saved.filter(({ path }) => path !== null);
  return written.map(
    ({ setting: { backend, model, workers, rate }, path }) =>
      `Saved for \`run --workers auto\`: ${backend} ${printable(model)}, ${workersText(workers)} (${formatRate(rate)} req/s), in ${path}`,
  );
}

function whyNothing(curves: BenchAnalysis['curves']): string {
  if (curves.length === 0) return 'it takes several numbers of workers to compare';
  if (curves.every(({ strategy }) => strategy !== 'independent')) return 'it is for the strategy independent alone';
  return 'no setting was measured well enough to be recommended';
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
