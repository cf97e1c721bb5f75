import type { OllamaHost } from '../backends/ollama/http/host.ts';
import { findLocalServer } from '../backends/ollama/server-process.ts';
export { portOf } from '../backends/ollama/server-process.ts';
import { readProcFile } from '../machine/proc.ts';

/** The only variables of a server that are ever shown: another one's value could be a secret. */
const settingNames = [
  'OLLAMA_NUM_PARALLEL',
  'OLLAMA_CONTEXT_LENGTH',
  'OLLAMA_KEEP_ALIVE',
  'OLLAMA_KV_CACHE_TYPE',
  'OLLAMA_FLASH_ATTENTION',
  'OLLAMA_MAX_LOADED_MODELS',
  'OLLAMA_MAX_QUEUE',
  'LLAMA_ARG_CACHE_RAM',
] as const;

type SettingName = (typeof settingNames)[number];

/** What a server was started with. */
export interface ServerSettings {
  /** Null: not set. */
  values: Record<SettingName, string | null>;
  /** As a service of the system, which has a file for its settings, or by a command. */
  startedBy: 'systemd' | 'command';
}

/** Null where the server is not a process of this machine, or not one that may be looked at. */
export async function readSettings(host: OllamaHost): Promise<ServerSettings | null> {
  const server = await findLocalServer(host);
  if (server === null || server.environment === null) return null;
  const { environment } = server;
  const value = (name: SettingName): [SettingName, string | null] => [name, environment[name] || null];
  const values = Object.fromEntries(settingNames.map(value)) as ServerSettings['values'];
  return { values, startedBy: (await isService(server.pid)) ? 'systemd' : 'command' };
}

const isService = async (pid: number): Promise<boolean> =>
  /\/ollama\.service\b/.test(await readProcFile(pid, 'cgroup'));
