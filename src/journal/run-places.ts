import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { JournalError, messageOf } from '../core/errors.ts';
import { type Manifest, readManifest } from './manifest.ts';

/** Where the files of one run lie. */
export interface RunPlaces {
  output: string;
  manifest: string;
  /** Standard input, or a CSV's rows, as a file that can be read again. */
  spool: string;
  /** What an engine that talks much has said. */
  engineLog: string;
}

const inputEndings = new Set(['.jsonl', '.ndjson', '.json', '.csv', '.txt']);

/** What an input is taken for by its name. */
export const formatOf = (input: string): 'csv' | 'jsonl' => (extname(input).toLowerCase() === '.csv' ? 'csv' : 'jsonl');

/** `mine.jsonl` → `mine.results.jsonl`, beside it. */
export function outputPathFor(input: string): string {
  const ending = inputEndings.has(extname(input)) ? extname(input) : '';
  return join(dirname(input), `${basename(input, ending)}.results.jsonl`);
}

export function placesOf(outputPath: string): RunPlaces {
  const output = resolve(outputPath);
  const stem = output.endsWith('.jsonl') ? output.slice(0, -'.jsonl'.length) : output;
  return { output, manifest: `${stem}.run.json`, spool: `${stem}.run.input`, engineLog: `${stem}.engine.log` };
}

/**
 * A run that writes to stdout keeps its files in a folder of its own under the user's state directory. Folders of runs
 * that nobody touched for a month are removed on the way.
 */
export async function createRunFolder(environment: NodeJS.ProcessEnv): Promise<RunPlaces> {
  const runs = join(stateFolder(environment), 'runs');
  const name = `${new Date().toISOString().replaceAll(/[:.]/g, '-')}-${randomUUID().slice(0, 8)}`;
  try {
    await mkdir(join(runs, name), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new JournalError(
      `can't keep the run in ${runs}: ${messageOf(error)}`,
      'Give the results a file with -o, or set XDG_STATE_HOME to a folder that can be written.',
    );
  }
  await removeOldRuns(runs);
  return placesOf(join(runs, name, 'results.jsonl'));
}

const monthMs = 30 * 86_400_000;

async function removeOldRuns(runs: string): Promise<void> {
  for (const name of await readdir(runs).catch(() => [])) {
    const folder = join(runs, name);
    const manifest = await stat(join(folder, 'results.run.json')).catch(() => stat(folder).catch(() => null));
    const isOld = manifest !== null && Date.now() - manifest.mtimeMs > monthMs;
    if (isOld) await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

export function stateFolder(environment: NodeJS.ProcessEnv): string {
  return join(environment['XDG_STATE_HOME'] || join(homedir(), '.local', 'state'), 'llmbatch');
}

/**
 * Remembers that a run was started in a folder, so that `resume` finds it wherever its output lies. A convenience:
 * without a writable state directory, `resume <output>` still works.
 */
export async function rememberRun(manifestPath: string, environment: NodeJS.ProcessEnv): Promise<void> {
  try {
    await mkdir(pointerFolder(environment), { recursive: true, mode: 0o700 });
    await writeFile(pointerOf(manifestPath, environment), manifestPath);
  } catch {
    // See above.
  }
}

export async function forgetRun(manifestPath: string, environment: NodeJS.ProcessEnv): Promise<void> {
  await rm(pointerOf(manifestPath, environment), { force: true }).catch(() => undefined);
}

const pointerFolder = (environment: NodeJS.ProcessEnv): string => join(stateFolder(environment), 'started');

function pointerOf(manifestPath: string, environment: NodeJS.ProcessEnv): string {
  return join(pointerFolder(environment), createHash('sha256').update(manifestPath).digest('hex').slice(0, 32));
}

export interface FoundRun {
  manifestPath: string;
  manifest: Manifest;
}

/** The runs of this folder, the newest first: those started in it, and those whose manifest lies in it. */
export async function findRuns(folder: string, environment: NodeJS.ProcessEnv): Promise<FoundRun[]> {
  const here = (await readdir(folder)).filter((name) => name.endsWith('.run.json')).map((name) => join(folder, name));
  const started = await readPointers(environment);
  const found = await Promise.all([...new Set([...here, ...started])].map((path) => readRun(path)));
  return found
    .filter((run) => run !== null)
    .filter((run) => run.manifest.cwd === folder || dirname(run.manifestPath) === folder)
    .toSorted((left, right) => (left.manifest.updated_at < right.manifest.updated_at ? 1 : -1));
}

async function readPointers(environment: NodeJS.ProcessEnv): Promise<string[]> {
  const folder = pointerFolder(environment);
  const names = await readdir(folder).catch(() => []);
  return Promise.all(names.map((name) => readFile(join(folder, name), 'utf8').catch(() => '')));
}

async function readRun(manifestPath: string): Promise<FoundRun | null> {
  if (!(await stat(manifestPath).catch(() => null))?.isFile()) return null;
  const manifest = await readManifest(manifestPath).catch(() => null);
  return manifest === null ? null : { manifestPath, manifest };
}

/** Did the run that wrote this output send its results to stdout? */
export const isInRunFolder = (output: string, environment: NodeJS.ProcessEnv): boolean =>
  resolve(output).startsWith(join(stateFolder(environment), 'runs'));
