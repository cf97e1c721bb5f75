import { findGpus } from '../machine/find-gpus.ts';
import { acquireLock } from '../journal/lock.ts';
import { gpuMemory } from '../core/measurements.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { JournalError } from '../core/errors.ts';
import type { RunHost } from '../run/run-request.ts';
import type { BenchPaths } from './records/bench-paths.ts';
import { type LoadRequirements, createTrialBackend } from './trial/bench-slot.ts';
import { estimateAll, fitsBudget, spentSeconds } from './plan/choose-size.ts';
import { loadOf } from './plan/order.ts';
import type { PlanRecord, TrialRecord, TrialSpec } from './records/records.ts';
import { type TrialDesk, runTrial } from './trial/run-trial.ts';
import type { TrialBase } from './records/environment.ts';
import { wishOf } from './trial/trial-request.ts';
import { type TrialsFile, doneOf, openTrials, planOf, trialsOf } from './records/trials-file.ts';

/** Whom a bench talks to. */
export interface BenchHost extends Omit<RunHost, 'onStart' | 'onResults'> {
  /** A trial begins; from now on its state can be read. */
  onTrialStart: (place: TrialPlace, snapshot: () => Snapshot) => void;
  onTrialEnd: (record: TrialRecord, place: TrialPlace) => void;
}

export interface TrialPlace {
  spec: TrialSpec;
  /** From 1. */
  position: number;
  total: number;
  done: readonly TrialRecord[];
  /** Of all that have not ended; null before any did. */
  secondsLeft: number | null;
}

/** Runs what is left of the plan. Each trial is on disk as it ends. False: stopped, to be gone on with. */
export async function runBench(
  paths: BenchPaths,
  { base, plan }: { base: TrialBase; plan: PlanRecord | null },
  host: BenchHost,
): Promise<boolean> {
  const lock = await acquireLock(paths.trials, '.');
  const slot = createTrialBackend(() => usedVram(host.environment));
  const file = await openTrials(paths.trials);
  try {
    if (plan !== null) await file.append(plan);
    const desk = {
      base,
      paths,
      slot,
      usedVram: () => usedVram(host.environment),
      host: { ...host, onResults: null, onStart: () => {} },
    };
    return await runPlan(file, desk, host);
  } finally {
    await slot.close();
    await file.close();
    await lock.release();
  }
}

async function runPlan(file: TrialsFile, desk: TrialDesk, host: BenchHost): Promise<boolean> {
  const plan = planOf(file.records);
  if (plan === null) throw new JournalError(`${desk.paths.trials} holds no plan`, 'Start the bench anew.');
  const wishes = wishesOf(plan.trials, host);
  const startedAt = performance.now();
  const spentBefore = spentSeconds(trialsOf(file.records));
  const ended = doneOf(plan, file.records);
  const leftOut: TrialSpec[] = [];
  for (const spec of plan.trials) {
    if (host.stop.aborted) return false;
    if (ended.has(spec.number)) continue;
    const done = trialsOf(file.records).filter(({ spec: { number } }) => ended.has(number));
    const spent = spentBefore + (performance.now() - startedAt) / 1000;
    if (plan.budget_seconds !== null && !fitsBudget(spec, { done, leftSeconds: plan.budget_seconds - spent })) {
      leftOut.push(spec);
      continue;
    }
    const place = placeOf(spec, plan, done);
    desk.slot.wish(wishes.get(loadOf(spec))!);
    const record = await runTrial(spec, {
      ...desk,
      host: { ...desk.host, onStart: (snapshot) => host.onTrialStart(place, snapshot) },
    });
    if (record === null) return false;
    await file.append(record);
    ended.add(spec.number);
    host.onTrialEnd(record, placeOf(spec, plan, [...done, record]));
  }
  await noteLeftOut(file, plan, leftOut);
  return true;
}

const placeOf = (spec: TrialSpec, { trials }: PlanRecord, done: TrialRecord[]): TrialPlace => {
  const numbers = new Set(done.map((record) => record.spec.number));
  const left = trials.filter(({ number }) => !numbers.has(number));
  return { spec, position: trials.indexOf(spec) + 1, total: trials.length, done, secondsLeft: estimateAll(left, done) };
};

/** The plan comes again, with what the budget had no room for. */
async function noteLeftOut(file: TrialsFile, plan: PlanRecord, leftOut: TrialSpec[]): Promise<void> {
  if (leftOut.length === 0) return;
  const trials = plan.trials.filter((spec) => !leftOut.includes(spec));
  await file.append({ ...plan, trials, left_out: [...plan.left_out, ...leftOut] });
}

/** One for each load: the same object for all of its trials. */
function wishesOf(specs: readonly TrialSpec[], { backends }: BenchHost): Map<string, LoadRequirements> {
  const keys = new Set(specs.map(loadOf));
  return new Map(
    [...keys].map((key) => [
      key,
      wishOf(
        specs.filter((spec) => loadOf(spec) === key),
        backends,
      ),
    ]),
  );
}

async function usedVram(environment: NodeJS.ProcessEnv): Promise<number | null> {
  const { gpus } = await findGpus(environment);
  return gpuMemory(gpus).usedBytes;
}
