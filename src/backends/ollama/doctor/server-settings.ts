import { readProcFile } from '../../../machine/proc.ts';
import type { OllamaHost } from '../http/host.ts';
import { findLocalServer } from '../server-process.ts';

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
  'LLAMA_ARG_SWA_FULL',
] as const;

type SettingName = (typeof settingNames)[number];

/** What an Ollama server was started with. */
export interface ServerSettings {
  /** Values of the variables; null for one that is not set. */
  values: Record<SettingName, string | null>;
  /** systemd: as a service, which has a file for its settings. command: by hand, or by another program. */
  startedBy: 'systemd' | 'command';
}

/** Reads the settings of a server from its process; null where it is on another machine, or may not be looked at. */
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
