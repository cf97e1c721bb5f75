import { lstat, readdir, realpath } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { execa } from 'execa';

/** What an engine costs to have: a part of its simplicity. */
export interface EngineInstall {
  /** On this machine's disk, without models; null where it isn't found here. */
  bytes: number | null;
  /** That somebody must keep running, beside llmbatch. */
  services: number;
}

/** Of each backend; of a single one nothing, for there is nothing to compare it with and to look takes seconds. */
export async function findInstalls(
  backends: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<Record<string, EngineInstall>> {
  if (backends.length < 2) return {};
  const found = backends.map(async (backend) => [backend, await findInstall(backend, environment)] as const);
  return Object.fromEntries(await Promise.all(found));
}

/** Looks at the files of an engine's package or program. */
async function findInstall(backend: string, environment: NodeJS.ProcessEnv): Promise<EngineInstall> {
  const places = await placesOf(backend, environment).catch(() => []);
  const sizes = await Promise.all(places.map(sizeOf));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  return { bytes: bytes === 0 ? null : bytes, services: servicesOf(backend) };
}

const servicesOf = (backend: string): number => (['ollama', 'openai'].includes(backend) ? 1 : 0);

function placesOf(backend: string, environment: NodeJS.ProcessEnv): Promise<string[]> {
  if (backend === 'llama-cpp') return nodeLlamaCpp();
  if (backend === 'ollama') return ollama(environment);
  return backend === 'vllm' ? pythonPackages(environment) : Promise.resolve([]);
}

/** The package, and its binaries for this platform. */
async function nodeLlamaCpp(): Promise<string[]> {
  const entry = createRequire(import.meta.url).resolve('node-llama-cpp');
  const modules = entry.slice(0, entry.lastIndexOf('node-llama-cpp'));
  return [join(modules, 'node-llama-cpp'), join(modules, '@node-llama-cpp')];
}

/** The program, and the libraries that it brings. */
async function ollama({ PATH = '' }: NodeJS.ProcessEnv): Promise<string[]> {
  const found = await Promise.all(
    PATH.split(delimiter).map((folder) => realpath(join(folder, 'ollama')).catch(() => null)),
  );
  const program = found.find((path) => path !== null);
  return program === undefined || program === null ? [] : [program, join(dirname(program), '..', 'lib', 'ollama')];
}

/** All packages beside vLLM: they are its dependencies, or the environment is not its own. */
async function pythonPackages({ LLMBATCH_PYTHON: python = 'python3' }: NodeJS.ProcessEnv): Promise<string[]> {
  const code = 'import importlib.util as u, os; print(os.path.dirname(os.path.dirname(u.find_spec("vllm").origin)))';
  const { stdout } = await execa(python, ['-c', code], { timeout: 20_000 });
  return [stdout.trim()];
}

/** Bytes of a file, or of all files below a folder; 0 where there is none. */
async function sizeOf(path: string): Promise<number> {
  const stats = await lstat(path).catch(() => null);
  if (stats === null) return 0;
  if (!stats.isDirectory()) return stats.size;
  let bytes = 0;
  for (const name of await readdir(path).catch(() => [])) bytes += await sizeOf(join(path, name));
  return bytes;
}
