import type { BackendDefinition } from '../core/backend.ts';
import type { Notify } from '../core/events.ts';
import { resolve } from 'node:path';
import { describeHardware, saveBest } from '../run/choose/saved-settings.ts';
import { acquireLock } from '../journal/lock.ts';
import { messageOf } from '../core/errors.ts';
import { compareTrials, pairKey } from './agreement/compare-trials.ts';
import { analyse } from './analysis/analyse.ts';
import type { BenchAnalysis } from './analysis/analysis.ts';
import type { BenchPaths } from './records/bench-paths.ts';
import { bestSettings } from './analysis/best-settings.ts';
import type { StabilityLimits } from './analysis/stability.ts';
import { type TrialsFile, openTrials, trialsOf } from './records/trials-file.ts';

export interface FinishedBench {
  analysis: BenchAnalysis;
  /** Says whether all answers were compared; false where the bench was stopped before. */
  isCompared: boolean;
  /**
   * The setting that `run --workers auto` takes from now on, and the files that say so; null: it could not be written.
   */
  saved: { setting: ReturnType<typeof bestSettings>[number]; path: string | null }[];
}

interface FinishContext {
  backends: readonly BackendDefinition[];
  environment: NodeJS.ProcessEnv;
  limits: StabilityLimits;
  stop: AbortSignal;
  notify: Notify;
}

/** What follows the last trial: the answers compared, the records read, the best setting saved. */
export async function finishBench(
  paths: BenchPaths,
  { backends, environment, limits, stop, notify }: FinishContext,
): Promise<FinishedBench> {
  const lock = await acquireLock(paths.trials, { wait: 'Wait until that bench ends.' });
  const file = await openTrials(paths.trials);
  try {
    const isCompared = await appendAgreements(file, paths, stop);
    const analysis = analyse(file.records, backends, limits);
    const hardware = await describeHardware(environment);
    const saved: FinishedBench['saved'] = [];
    const best = isCompared ? bestSettings(analysis, { hardware, folder: resolve(paths.folder) }) : [];
    for (const setting of best) {
      // The measurements are reported all the same.
      const path = await saveBest(setting, environment).catch((error: unknown) => {
        notify({ topic: 'bench', text: `warning: the best setting is not saved: ${messageOf(error)}` });
        return null;
      });
      saved.push({ setting, path });
    }
    return { analysis, isCompared, saved };
  } finally {
    await file.close();
    await lock.release();
  }
}

/** Compares each pair once: a bench that was stopped while it compared has some pairs already. */
async function appendAgreements(file: TrialsFile, { folder }: BenchPaths, stop: AbortSignal): Promise<boolean> {
  const finished = trialsOf(file.records).filter(({ state }) => state === 'finished');
  const known = new Set(file.records.flatMap((record) => (record.type === 'agreement' ? [pairKey(record)] : [])));
  for await (const agreement of compareTrials(finished, folder, known)) {
    await file.append(agreement);
    if (stop.aborted) return false;
  }
  return true;
}
