import { findGpus } from '../machine/find-gpus.ts';
import { acquireLock } from '../journal/lock.ts';
import { gpuMemory } from '../core/measurements.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { JournalError } from '../core/errors.ts';
import { groupBy } from '../data/group-by.ts';
import type { RunHost } from '../run/run-request.ts';
import { estimateSeconds, limitsOf } from './plan/budget.ts';
import { loadOf } from './plan/order.ts';
import type { BenchPaths } from './records/bench-paths.ts';
import type { TrialBase } from './records/environment.ts';
import type { PlanRecord, TrialRecord, TrialSpec } from './records/records.ts';
import { type TrialsFile, doneOf, openTrials, planOf, trialsOf } from './records/trials-file.ts';
import { type TrialContext, runTrial } from './trial/run-trial.ts';
import { createTrialBackend } from './trial/trial-backend.ts';
import { requirementsOf } from './trial/trial-request.ts';

/** What a bench needs from outside, and whom it tells what happens. */
export interface BenchHost extends Omit<RunHost, 'onStart' | 'onResults'> {
  /** A trial begins; from now on its state can be read. */
  onTrialStart: (place: TrialPlace, snapshot: () => Snapshot) => void;
  onTrialEnd: (record: TrialRecord, place: TrialPlace) => void;
}

/** Where in its bench a trial is. */
export interface TrialPlace {
  spec: TrialSpec;
  /** Place in the order of execution, from 1. */
  position: number;
  total: number;
  done: readonly TrialRecord[];
  /** Estimated seconds until the last trial has ended; null before any has. */
  secondsLeft: number | null;
}

/**
 * Runs what is left of the plan. Each trial is on disk as it ends. False: it was stopped, and can be gone on with. Throws
 * JournalError where the folder can't be written or another process has the bench.
 */
export async function runBench(
  paths: BenchPaths,
  { base, plan }: { base: TrialBase; plan: PlanRecord | null },
  host: BenchHost,
): Promise<boolean> {
  const lock = await acquireLock(paths.trials, { wait: 'Wait until that bench ends.' });
  const usedVram = (): Promise<number | null> => usedGpuMemory(host.environment);
  const backend = createTrialBackend(usedVram);
  const file = await openTrials(paths.trials);
  try {
    if (plan !== null) await file.append(plan);
    const trialHost = { ...host, onResults: null, onStart: () => {} };
    return await runPlan(file, { base, paths, backend, usedVram, host: trialHost }, host);
  } finally {
    await backend.close();
    await file.close();
    await lock.release();
  }
}

async function runPlan(file: TrialsFile, context: TrialContext, host: BenchHost): Promise<boolean> {
  const plan = planOf(file.records);
  if (plan === null) throw new JournalError(`${context.paths.trials} contains no plan`, 'Start a new bench.');
  const requirements = requirementsByLoad(plan.trials, host.backends);
  const clock = budgetClock(plan, trialsOf(file.records));
  const ended = doneOf(plan, file.records);
  const unusable = new Set<string>();
  const leftOut: number[] = [];
  const placeOf = (spec: TrialSpec): TrialPlace => {
    const done = trialsOf(file.records).filter(({ spec: { number } }) => ended.has(number));
    const left = plan.trials.filter(({ number }) => !ended.has(number));
    const secondsLeft = estimateSeconds({ left, done, secondsLeft: clock.secondsLeft() });
    return { spec, position: plan.trials.indexOf(spec) + 1, total: plan.trials.length, done, secondsLeft };
  };
  for (const spec of plan.trials) {
    if (host.stop.aborted) return false;
    if (ended.has(spec.number) || unusable.has(engineOf(spec))) continue;
    const place = placeOf(spec);
    const left = plan.trials.filter(({ number }) => !ended.has(number) && !leftOut.includes(number));
    const limits = limitsOf(spec, { left, done: place.done, secondsLeft: clock.secondsLeft() });
    if (limits === 'none') {
      leftOut.push(spec.number);
      continue;
    }
    context.backend.prepare(requirements.get(loadOf(spec))!);
    const onStart = (snapshot: () => Snapshot): void => host.onTrialStart(place, snapshot);
    const outcome = await runTrial(spec, { ...context, host: { ...context.host, onStart } }, limits);
    if (outcome === null) return false;
    await file.append(outcome.record);
    if (outcome.isUnusable) unusable.add(engineOf(spec));
    ended.add(spec.number);
    host.onTrialEnd(outcome.record, placeOf(spec));
  }
  if (leftOut.length > 0) await file.append({ type: 'end', leftOut });
  return true;
}

const engineOf = ({ backend, model }: TrialSpec): string => JSON.stringify([backend, model]);

/** The time of the budget that is left. Time between the sessions of a bench that was stopped does not count. */
function budgetClock({ budgetSeconds }: PlanRecord, earlier: readonly TrialRecord[]) {
  const startedAt = performance.now();
  const spent = earlier.reduce((sum, { seconds }) => sum + seconds, 0);
  const secondsLeft = (): number | null =>
    budgetSeconds === null ? null : budgetSeconds - spent - (performance.now() - startedAt) / 1000;
  return { secondsLeft };
}

/** What the trials of each load need: the same object for all of its trials. */
const requirementsByLoad = (specs: readonly TrialSpec[], backends: BenchHost['backends']) =>
  new Map([...groupBy(specs, loadOf)].map(([load, own]) => [load, requirementsOf(own, backends)]));

async function usedGpuMemory(environment: NodeJS.ProcessEnv): Promise<number | null> {
  const { gpus } = await findGpus(environment);
  return gpuMemory(gpus).usedBytes;
}
