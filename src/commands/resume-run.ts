import { isTransient } from '../core/errors.ts';
import type { Manifest } from '../journal/manifest.ts';
import { type FoundRun, placesOf } from '../journal/run-places.ts';
import { runnerSettings } from './build-request.ts';
import { findRun } from './find-run.ts';
import type { RunnerFlags } from './run-flags.ts';
import { runQueue } from './run-queue.ts';
import { isInRunFolder } from '../journal/run-places.ts';

/** `llmbatch resume`. Returns the exit code. */
export async function resumeRun(output: string | undefined, flags: RunnerFlags): Promise<number> {
  const run = await findRun(output, { what: 'no unfinished run', isWanted: isUnfinished });
  const { manifest } = run;
  const isPiped = manifest.input.path === '-';
  if (isPiped && !manifest.input.complete) {
    process.stderr.write('standard input was cut off before its end: this run has what came until then\n');
  }
  const toStdout = isInRunFolder(manifest.output, process.env);
  if (toStdout)
    process.stderr.write(`stdout gets the results that are new; all of them will be in ${manifest.output}\n`);
  const request = {
    input: manifest.input.path,
    spool: isPiped ? manifest.input.spool : null,
    places: placesOf(manifest.output),
    settings: manifest.settings,
    runner: runnerSettings(flags, manifest.runner),
    allowDrift: flags.allowDrift,
    retryFailed: flags.retryFailed,
    overwrite: false,
  };
  return runQueue([request], { ...flags, toStdout });
}

function isUnfinished({ manifest }: FoundRun): boolean {
  return manifest.state !== 'finished' || hasTransientFailures(manifest);
}

function hasTransientFailures({ summary }: Manifest): boolean {
  return Object.keys(summary?.errors ?? {}).some((kind) => isTransient(kind as never));
}
