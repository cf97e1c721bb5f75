import { readFile, realpath, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, dirname, join, resolve } from 'node:path';
import { EngineError } from '../../../core/errors.ts';
import { isRecord } from '../../../data/is-record.ts';
import { findGpus } from '../../../machine/find-gpus.ts';
import type { GpuChoice } from '../options.ts';
import { type LlamaServer, devicesOfKind, examineServer } from './examine-server.ts';

/** The form of llama.cpp that a run takes, and why. */
export interface ServerChoice {
  /** Null: the library inside our worker. */
  server: LlamaServer | null;
  why: string;
  /**
   * With `auto`, what is to be recorded, which a run keeps: a word and no path, since whoever writes a manifest must not
   * choose a program. Else null.
   */
  form: 'library' | 'llama-server' | null;
}

/**
 * Follows `--option server=`. With `auto`, a run keeps the form that it began with. Throws an `EngineError` where no such
 * program can be taken.
 */
export async function chooseServer(
  option: string,
  { gpu, form = null }: { gpu: GpuChoice; form?: string | null | undefined },
): Promise<ServerChoice> {
  if (option === 'off') return { server: null, why: 'no llama-server is asked for', form: null };
  if (option !== 'auto')
    return { server: await serverAt(resolve(option)), why: `--option server=${option}`, form: null };
  if (form === 'library') return { server: null, why: 'the run began with it', form };
  const choice = await findServer(gpu);
  if (form !== null && choice.server === null)
    throw new EngineError('unusable', `The run began with a llama-server, but ${choice.why}.`, twoWays);
  return choice;
}

async function serverAt(path: string): Promise<LlamaServer> {
  const server = await examineServer(path);
  if (server !== null) return server;
  const problem = (await isFile(path)) ? `${path} is no llama-server that starts here.` : `There is no ${path}.`;
  throw new EngineError('unusable', problem, twoWays);
}

const twoWays =
  'Name another llama-server with --option server=PATH, or use the library of node-llama-cpp with --option server=off. To continue a run with another form, use the command that started it, with --allow-drift.';

/** What to do where a server can't be taken. */
export const takeLibrary = '--option server=off takes the library of node-llama-cpp.';

/** Takes the first server that is newer than the library, and has a build for what is to be computed on. */
async function findServer(gpu: GpuChoice): Promise<ServerChoice> {
  const library = await libraryRelease();
  const reasons: string[] = [];
  for (const path of await serverPaths()) {
    const server = await examineServer(path);
    const problem = server === null ? 'does not start' : await problemOf(server, { library, gpu });
    if (server !== null && problem === null)
      return { server, why: `${path} is newer than the library (${library})`, form: 'llama-server' };
    reasons.push(`${path} ${problem}`);
  }
  const none = 'no llama-server is on the PATH or in an Ollama';
  return { server: null, why: reasons.length === 0 ? none : reasons.join('; '), form: 'library' };
}

async function problemOf(
  server: LlamaServer,
  { library, gpu }: { library: string; gpu: GpuChoice },
): Promise<string | null> {
  const { version, devices } = server;
  if (!isNewer(version, library)) return `(${version}) is not newer than the library (${library})`;
  if (gpu !== 'auto') return gpu === 'off' || devicesOfKind(server, gpu).length > 0 ? null : `has no ${gpu} here`;
  const lacksGpu = devices.length === 0 && (await findGpus(process.env)).gpus.length > 0;
  return lacksGpu ? 'has no build for the GPU' : null;
}

/** Is a version of a server newer than a release of the library? Releases were `b6123` first, and are `v0.7.0` since. */
export function isNewer(version: string, release: string): boolean {
  const [ours, theirs] = [version, release].map(numbersOf) as [number[], number[]];
  if (ours.length !== theirs.length) return ours.length > theirs.length;
  const place = ours.findIndex((number, index) => number !== theirs[index]);
  return place !== -1 && (ours[place] ?? 0) > (theirs[place] ?? 0);
}

const numbersOf = (version: string): number[] => (/[\d.]+/.exec(version)?.[0] ?? '').split('.').map(Number);

/** The release of llama.cpp that node-llama-cpp was built from; '' where it is not installed, which the worker tells. */
async function libraryRelease(): Promise<string> {
  try {
    const main = createRequire(import.meta.url).resolve('node-llama-cpp');
    const about: unknown = JSON.parse(
      await readFile(join(dirname(main), '..', 'llama', 'binariesGithubRelease.json'), 'utf8'),
    );
    return isRecord(about) && typeof about['release'] === 'string' ? about['release'] : '';
  } catch {
    return '';
  }
}

/** Where servers lie: in the folders of the PATH, and where an Ollama in one of them keeps its own. */
async function serverPaths(): Promise<string[]> {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const named = (name: string): string[] => folders.map((folder) => join(folder, name + suffix));
  const ollamas = await Promise.all(named('ollama').map((path) => realpath(path).catch(() => null)));
  const inside = ollamas
    .filter((path) => path !== null)
    .flatMap((path) => ['.', 'lib/ollama', '../lib/ollama'].map((folder) => join(dirname(path), folder)))
    .map((folder) => join(folder, `llama-server${suffix}`));
  const there = await Promise.all(
    [...named('llama-server'), ...inside].map(async (path) => (await isFile(path)) && path),
  );
  return [...new Set(there.filter((path) => path !== false))];
}

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
