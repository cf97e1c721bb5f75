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
import { exitCodes } from '../../core/errors.ts';
import { quoteForShell } from '../../text/format.ts';
import { makeFolder } from '../../files/make-folder.ts';
import { toJournalError } from '../../files/write-group.ts';
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
  const screen = createBenchScreen(flags.progress, flags.verbose);
  const interrupts = watchInterrupts(() =>
    screen.note('stopping: what is in progress is given up, the trials that ended are saved'),
  );
  try {
    const host = hostOf(backends, screen, interrupts);
    const bench = flags.resume === undefined ? await startBench(input, flags, host) : await resumeBench(flags.resume);
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
    await writeEnvironment(paths.environment, environment);
    return { paths, base: request.base, plan };
  } catch (error) {
    await removeUnused(paths, made);
    throw error;
  }
}

async function resumeBench(asked: string | true): Promise<OpenBench> {
  const paths = await benchToResume(asked);
  const { settings, runner } = await readEnvironment(paths.environment);
  return { paths, base: { settings, runner }, plan: null };
}

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
