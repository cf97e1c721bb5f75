import type { BenchPaths } from '../../bench/records/bench-paths.ts';
import { completeWeights } from '../../bench/analysis/decision.ts';
import {
  describeEnvironment,
  readEnvironment,
  writeEnvironment,
  type TrialBase,
} from '../../bench/records/environment.ts';
import { planBench } from '../../bench/plan/plan-bench.ts';
import type { PlanRecord } from '../../bench/records/records.ts';
import { type BenchHost, runBench } from '../../bench/run-bench.ts';
import type { BackendDefinition } from '../../core/backend.ts';
import { UsageError, exitCodes } from '../../core/errors.ts';
import { isOwnManifest } from '../../journal/manifest/manifest.ts';
import { openSealKey } from '../../journal/manifest/seal.ts';
import { withholdKeys } from '../shared/runs/own-runs.ts';
import { quoteForShell } from '../../text/format.ts';
import { makeFolder } from '../../files/make-folder.ts';
import { toJournalError } from '../../files/write-group.ts';
import { withOnEnd } from '../run/on-end.ts';
import { endBench, reportBench } from './end.ts';
import type { BenchFlags } from './flags.ts';
import { benchToResume, newBenchFolder, removeUnused } from './folder.ts';
import { type BenchScreen, createBenchScreen } from './screen.ts';
import { buildBench } from './build.ts';
import { type Interrupts, watchInterrupts } from '../shared/interrupts.ts';

/** `llmbatch bench`. Returns the exit code. */
export async function runBenchCommand(
  input: string | null,
  flags: BenchFlags,
  backends: readonly BackendDefinition[],
): Promise<number> {
  if (flags.report !== undefined) return reportBench(flags.report, flags, backends);
  return withOnEnd(flags.onEnd, (onSummary) => carryOut(input, { ...flags, onSummary }, backends));
}

async function carryOut(
  input: string | null,
  flags: BenchFlags,
  backends: readonly BackendDefinition[],
): Promise<number> {
  const screen = createBenchScreen(flags.progress, flags.verbose);
  const interrupts = watchInterrupts(() =>
    screen.note('stopping: the running trial is discarded, and finished trials are saved'),
  );
  try {
    const host = hostOf(backends, screen, interrupts);
    const bench =
      flags.resume === undefined ? await startBench(input, flags, host) : await resumeBench(flags, backends);
    const isFinished = await runBench(bench.paths, bench, host);
    screen.close();
    const exitCode = isFinished ? await endBench(bench.paths, flags, host) : exitCodes.ok;
    if (interrupts.stop.aborted)
      screen.note(`Go on with: llmbatch bench --resume ${quoteForShell(bench.paths.folder)}`);
    return interrupts.exitCode() ?? exitCode;
  } finally {
    screen.close();
    interrupts.close();
    process.stdin.destroy();
  }
}

interface OpenBench {
  paths: BenchPaths;
  base: TrialBase;
  /** Null: it is in the folder. */
  plan: PlanRecord | null;
}

async function startBench(input: string | null, flags: BenchFlags, host: BenchHost): Promise<OpenBench> {
  completeWeights(flags.weights ?? {});
  const request = await buildBench(input, flags, host.backends);
  const paths = await newBenchFolder(
    flags,
    flags.name ?? flags.backends?.join('-') ?? flags.model ?? input ?? 'candidates',
  );
  const made = await makeFolder(paths.folder).catch((error: unknown) => {
    throw toJournalError(error, paths.folder);
  });
  try {
    const plan = await planBench(request, paths, { ...host, onResults: null, onStart: () => {} });
    const command = ['llmbatch', ...process.argv.slice(2)];
    const names = new Set(plan.trials.map(({ backend }) => backend));
    const backends = host.backends.filter(({ name }) => names.has(name));
    const environment = await describeEnvironment(request.base, { command, flags, backends, environment: process.env });
    await writeEnvironment(paths.environment, environment, await openSealKey(process.env));
    return { paths, base: request.base, plan };
  } catch (error) {
    await removeUnused(paths, made);
    throw error;
  }
}

async function resumeBench(flags: BenchFlags, backends: readonly BackendDefinition[]): Promise<OpenBench> {
  const { resume = true } = flags;
  const paths = await benchToResume(resume);
  const { settings, runner } = await readEnvironment(paths.environment);
  if (!(await isOwnManifest(paths.environment, await openSealKey(process.env)))) {
    if (resume === true) throw notOwn(paths);
    const way = 'start a new bench with --servers FILE';
    withholdKeys({ settings, runner }, { flags: {}, backends, what: 'this bench', file: 'its environment.json', way });
  }
  return { paths, base: { settings, runner }, plan: null };
}

/** Others may name any program and any server, in a folder that is found by itself. */
const notOwn = ({ folder, environment }: BenchPaths): UsageError =>
  new UsageError(
    `nothing was run: ${environment} was not written by you on this machine, or was changed since`,
    `If you trust it, name the folder: llmbatch bench --resume ${quoteForShell(folder)}`,
  );

function hostOf(backends: readonly BackendDefinition[], screen: BenchScreen, { stop, abort }: Interrupts): BenchHost {
  return {
    backends,
    environment: process.env,
    stdin: process.stdin,
    stop,
    abort,
    notify: screen.notify,
    onTrialStart: screen.startTrial,
    onTrialEnd: screen.endTrial,
  };
}
