import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { classifyError } from '../backends/ollama/http/classify-error.ts';
import { type OllamaClient, createClient } from '../backends/ollama/http/client.ts';
import { maxProbedSlots } from '../backends/ollama/model/find-slots.ts';
import { type OllamaHost, ollamaHost } from '../backends/ollama/http/host.ts';
import { isOpenToOthers } from '../machine/listening-process.ts';
import { LlmbatchError } from '../core/errors.ts';
import { type OllamaModel, listModels } from './ollama-models.ts';
import { type ServerSettings, readSettings } from './ollama-settings.ts';
import { portOf } from '../backends/ollama/server-process.ts';
import { type ProbeRequest, type SlotProbe, probeOllama } from './probe-ollama.ts';

export interface OllamaSearch {
  /** `--host`, else `OLLAMA_HOST`, as it was written, but for a password; null: neither. */
  address: string | null;
  /** Where it was looked for; null where the address is none. */
  url: string | null;
  isLocal: boolean;
  /** Is there an `ollama` command on this machine? */
  isInstalled: boolean;
  /** Null where no Ollama server answers. */
  version: string | null;
  failure: ServerFailure | null;
  models: OllamaModel[];
  /** Null where they can't be seen. */
  settings: ServerSettings | null;
  /** Listens at an address that other machines may reach; null where that can't be seen. */
  isOpenToOthers: boolean | null;
  /** Null where nothing was probed. */
  probe: SlotProbe | null;
}

interface ServerFailure {
  /** Nothing there; something else; it wants a key, or lets no one in; the address can't be read. */
  kind: 'silent' | 'other' | 'refused' | 'address';
  text: string;
}

export interface OllamaRequest extends ProbeRequest {
  /** `--host`; null: as the environment says. */
  host: string | null;
  environment: NodeJS.ProcessEnv;
  wantsProbe: boolean;
}

const answerMs = 5000;
const listMs = 60_000;

export async function findOllama(request: OllamaRequest): Promise<OllamaSearch> {
  const address = withoutUser(request.host ?? request.environment['OLLAMA_HOST'] ?? null);
  const isInstalled = await isOnPath('ollama', request.environment);
  const nothing = {
    address,
    isInstalled,
    version: null,
    models: [],
    settings: null,
    isOpenToOthers: null,
    probe: null,
  };
  const host = readHost(request);
  if ('failure' in host) return { ...nothing, url: null, isLocal: false, failure: host.failure };
  const client = createClient(host, maxProbedSlots);
  try {
    const version = await askVersion(client);
    const place = { url: host.url, isLocal: host.isLocal };
    if (typeof version !== 'string') return { ...nothing, ...place, failure: version };
    return { ...nothing, ...place, version, ...(await look(client, request)) };
  } finally {
    await client.close();
  }
}

const withoutUser = (address: string | null): string | null => address?.replace(/[^/]*@/, '') ?? null;

/** A wrong `--host` is a usage error; a wrong OLLAMA_HOST is something to tell. */
function readHost({ host, environment }: OllamaRequest): OllamaHost | { failure: ServerFailure } {
  try {
    return ollamaHost({ connection: { host }, environment });
  } catch (error) {
    if (host !== null || !(error instanceof LlmbatchError)) throw error;
    return { failure: { kind: 'address', text: error.message } };
  }
}

async function askVersion(client: OllamaClient): Promise<string | ServerFailure> {
  const { url } = client.host;
  try {
    const version: unknown = await client.version(AbortSignal.timeout(answerMs));
    if (typeof version === 'string') return version;
    return { kind: 'other', text: `what answers at ${url} is no Ollama server` };
  } catch (error) {
    if (isTimeout(error)) return { kind: 'silent', text: `no answer at ${url} for ${answerMs / 1000} s` };
    const { kind, message } = classifyError(error);
    if (kind === 'connection') return { kind: 'silent', text: `nothing answers at ${url} (${codeIn(message)})` };
    if (kind === 'unauthorized') return { kind: 'refused', text: message };
    return { kind: 'other', text: `what answers at ${url} is no Ollama server` };
  }
}

const isTimeout = (error: unknown): boolean => error instanceof Error && error.name === 'TimeoutError';

const codeIn = (message: string): string => /\b[A-Z_]{4,}\b/.exec(message)?.[0] ?? message;

type Looked = Pick<OllamaSearch, 'models' | 'settings' | 'isOpenToOthers' | 'probe' | 'failure'>;

async function look(client: OllamaClient, request: OllamaRequest): Promise<Looked | { failure: ServerFailure }> {
  try {
    return await lookInto(client, request);
  } catch (error) {
    const text = isTimeout(error) ? `no list of its models for ${listMs / 1000} s` : classifyError(error).message;
    return {
      failure: { kind: 'other', text: `what answers at ${client.host.url} does not do as Ollama does: ${text}` },
    };
  }
}

async function lookInto(client: OllamaClient, request: OllamaRequest): Promise<Looked> {
  const { host } = client;
  const settings = await readSettings(host);
  const isOpen = host.isLocal && process.platform === 'linux' ? await isOpenToOthers(portOf(host.url)) : null;
  const models = await listModels(client, AbortSignal.timeout(listMs));
  const probe = request.wantsProbe ? await probeOllama(client, models, request) : null;
  // What the probe loaded shows how much memory it takes.
  const hasChanged = probe !== null && probe.loadMs !== null;
  const known = hasChanged ? await listModels(client, AbortSignal.timeout(listMs)) : models;
  return { settings, isOpenToOthers: isOpen, models: known, probe, failure: null };
}

async function isOnPath(name: string, { PATH = '' }: NodeJS.ProcessEnv): Promise<boolean> {
  const file = process.platform === 'win32' ? `${name}.exe` : name;
  const paths = PATH.split(delimiter).filter((folder) => folder !== '');
  const found = await Promise.all(
    paths.map((folder) =>
      access(join(folder, file), constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}
