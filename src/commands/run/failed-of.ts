import { dirname, join, relative } from 'node:path';
import { UsageError } from '../../core/errors.ts';
import { type AnswerSettings, type RunnerSettings, defaultRunnerSettings } from '../../core/settings.ts';
import { exists } from '../../files/exists.ts';
import { readFailedRequests } from '../../journal/failed-requests.ts';
import { findDrift } from '../../journal/manifest/find-drift.ts';
import { type FoundRun, findManifest } from '../../journal/manifest/find-manifest.ts';
import { pathsOf } from '../../journal/manifest/run-paths.ts';
import { pathWord } from '../../text/command-line.ts';
import { formatInteger } from '../../text/format.ts';
import { findInput, findSpool } from '../shared/runs/find-input.ts';
import { isOwnRun } from '../shared/runs/own-runs.ts';
import { tell } from '../shared/print.ts';

/** An earlier run whose failed requests are to be run. */
export interface EarlierRun {
  /** Real path of its output. */
  output: string;
  failed: number;
  /** What the new run begins with, where the earlier one was this user's own: the flags go over it. */
  base: { settings: AnswerSettings; runner: RunnerSettings } | null;
  input: string;
}

/** Finds what `--failed-of` names. Throws a `UsageError` where it, or its input, can't be found. */
export async function findEarlierRun(
  path: string,
  [named, ...others]: readonly string[],
  given: { backend?: string },
): Promise<EarlierRun> {
  if (others.length > 0) throw new UsageError('--failed-of takes the input of one run', 'Run the inputs one by one.');
  const paths = pathsOf(path);
  const { count: failed } = await readFailedRequests(paths.output);
  const found = await findManifest(paths);
  const run = found !== null && (await isOwnRun(found)) ? found : null;
  const input = named ?? (run === null ? null : await inputOf(run));
  if (input === null) throw noInput(path, run);
  tellUnfinished(path, run);
  return { output: paths.output, failed, input, base: run && baseOf(run, given) };
}

async function inputOf({ manifest, output }: FoundRun): Promise<string | null> {
  const paths = pathsOf(output);
  const input = await (manifest.input.path === '-' ? findSpool(manifest, paths) : findInput(manifest, paths));
  return input && shortPath(input);
}

/** As it would be typed in this folder. */
function shortPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith('..') ? path : near;
}

function noInput(path: string, run: FoundRun | null): UsageError {
  const command = `llmbatch run <input> --failed-of ${pathWord(path)}`;
  return run === null
    ? new UsageError(
        `what ${path} answers is unknown: there is no manifest of one of your runs beside it`,
        `Name the input, and the settings: ${command} -m <model>`,
      )
    : new UsageError(`the input of that run is gone: ${run.manifest.input.path}`, `Use its new path: ${command}`);
}

/** Requests without a result have not failed. */
function tellUnfinished(path: string, run: FoundRun | null): void {
  if (run === null || run.manifest.state === 'finished') return;
  const { done = 0, total = null } = run.manifest.summary?.progress ?? {};
  const left = total === null ? '' : ` (${formatInteger(total - done)} left)`;
  tell(`${pathWord(path)} is of a run that is not finished${left}: only what failed by now is taken`);
}

/** Options and addresses are those of an engine: another one has others. */
function baseOf({ manifest }: FoundRun, { backend }: { backend?: string }): EarlierRun['base'] {
  const isSameEngine = backend === undefined || backend === manifest.settings.backend;
  const settings = { ...manifest.settings, limit: null, sample: null };
  return isSameEngine
    ? { settings, runner: { ...defaultRunnerSettings, connections: manifest.runner.connections } }
    : { settings: { ...settings, options: {} }, runner: defaultRunnerSettings };
}

/** Tells in what the new run differs from the earlier one, whose settings it has. */
export function tellDifference({ base, output, failed }: EarlierRun, settings: AnswerSettings): void {
  const drift = base === null ? [] : findDrift(base.settings, settings);
  const how =
    base === null
      ? ', with the settings of this command'
      : drift.length === 0
        ? ', as before'
        : `, as before except ${drift.join('; ')}`;
  tell(`the requests that failed in ${pathWord(output)} (${formatInteger(failed)})${how}`);
}

/**
 * The output of such a run where none is named: `x.results.2.jsonl` beside `x.results.jsonl`, then `.3`. The same command
 * again means the same output.
 */
export async function outputOfRetry(earlier: string, settings: AnswerSettings): Promise<string> {
  const [name = ''] = earlier.split('/').slice(-1);
  const stem = name.replace(/\.jsonl$/, '').replace(/\.\d+$/, '');
  for (let number = 2; ; number++) {
    const path = join(dirname(earlier), `${stem}.${number}.jsonl`);
    if (!(await exists(path)) || (path !== earlier && (await isSameRetry(path, earlier, settings)))) return path;
  }
}

async function isSameRetry(path: string, earlier: string, settings: AnswerSettings): Promise<boolean> {
  const run = await findManifest(pathsOf(path)).catch(() => null);
  return run?.manifest.failedOf === earlier && findDrift(run.manifest.settings, settings).length === 0;
}
