import { readFile } from 'node:fs/promises';
import type { OllamaHost } from '../backends/ollama/http/host.ts';
import { findServer } from '../machine/listening-process.ts';

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
export async function readSettings({ url, isLocal }: OllamaHost): Promise<ServerSettings | null> {
  if (!isLocal) return null;
  const server = await findServer(portOf(url));
  if (server === null || server.environment === null) return null;
  const { environment } = server;
  const value = (name: SettingName): [SettingName, string | null] => [name, environment[name] || null];
  const values = Object.fromEntries(settingNames.map(value)) as ServerSettings['values'];
  return { values, startedBy: (await isService(server.pid)) ? 'systemd' : 'command' };
}

export const portOf = (url: string): number => {
  const { port, protocol } = new URL(url);
  return Number(port || (protocol === 'https:' ? 443 : 80));
};

const isService = async (pid: number): Promise<boolean> => /\/ollama\.service\b/.test(await readProc(pid, 'cgroup'));

const readProc = (pid: number, name: string): Promise<string> =>
  readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '');
