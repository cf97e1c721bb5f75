import { createHash } from 'node:crypto';
import { readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf } from '../../core/errors.ts';
import { makeFolder } from '../../files/make-folder.ts';
import { type FoundRun, outputOf } from './find-manifest.ts';
import { readManifest } from './manifest.ts';
import { realPathOf } from '../../files/real-path.ts';
import { stateFolder } from './run-folder.ts';

/**
 * Remembers that a run was started in a folder, so that `resume` finds it wherever its output lies: a file in the state
 * folder holds the path of the manifest, and nothing else. Where that folder can't be written, `resume <output>` still works.
 */
export async function rememberRun(manifestPath: string, environment: NodeJS.ProcessEnv): Promise<void> {
  try {
    await makeFolder(pointerFolder(environment), 0o700);
    await writeFile(pointerOf(manifestPath, environment), manifestPath);
  } catch {
    // A run goes on without it.
  }
}

/** Forgets a run that has ended. */
export async function forgetRun(manifestPath: string, environment: NodeJS.ProcessEnv): Promise<void> {
  await rm(pointerOf(manifestPath, environment), { force: true }).catch(() => undefined);
}

const pointerFolder = (environment: NodeJS.ProcessEnv): string => join(stateFolder(environment), 'started');

function pointerOf(manifestPath: string, environment: NodeJS.ProcessEnv): string {
  return join(pointerFolder(environment), createHash('sha256').update(manifestPath).digest('hex').slice(0, 32));
}

/** Names of manifests. Those of results that `--overwrite` has set aside are not meant. */
const manifestName = /(?<!\.old(?:\.\d+)?)\.run\.json$/;

/** Finds the runs that were started in a folder, and those whose manifest lies in it; the newest comes first. */
export async function findRuns(folder: string, environment: NodeJS.ProcessEnv): Promise<FoundRun[]> {
  const here = (await readdir(folder)).filter((name) => manifestName.test(name)).map((name) => join(folder, name));
  const started = await readPointers(environment);
  const found = await Promise.all([...new Set([...here, ...started])].map((path) => readRun(path)));
  return found
    .filter((run) => run !== null)
    .filter((run) => run.manifest.cwd === folder || dirname(run.manifestPath) === folder)
    .toSorted((left, right) => (left.manifest.updatedAt < right.manifest.updatedAt ? 1 : -1));
}

/** Reads which manifests are remembered. What points to a run that is gone is removed. */
async function readPointers(environment: NodeJS.ProcessEnv): Promise<string[]> {
  const folder = pointerFolder(environment);
  const names = await readdir(folder).catch(() => []);
  const paths = await Promise.all(names.map((name) => readPointer(join(folder, name))));
  return paths.filter((path) => path !== null);
}

async function readPointer(pointer: string): Promise<string | null> {
  const path = await readFile(pointer, 'utf8').catch(() => null);
  if (path === null || !(await isGone(path))) return path;
  await rm(pointer, { force: true }).catch(() => undefined);
  return null;
}

const isGone = (path: string): Promise<boolean> =>
  stat(path).then(
    () => false,
    (error: unknown) => codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR',
  );

async function readRun(manifestPath: string): Promise<FoundRun | null> {
  if (!(await stat(manifestPath).catch(() => null))?.isFile()) return null;
  const manifest = await readManifest(manifestPath).catch(() => null);
  return manifest === null ? null : { output: realPathOf(outputOf(manifestPath, manifest)), manifestPath, manifest };
}
