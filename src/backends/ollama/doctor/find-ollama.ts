import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { type BackendAddress, givenText } from '../../../core/connection.ts';
import type { Machine } from '../../../core/doctor/examination.ts';
import { LlmbatchError } from '../../../core/errors.ts';
import { isOpenToOthers } from '../../../machine/listening-process.ts';
import { classifyError } from '../http/classify-error.ts';
import { type OllamaClient, createClient } from '../http/client.ts';
import { type OllamaHost, ollamaHost } from '../http/host.ts';
import { maxProbedSlots } from '../model/find-slots.ts';
import { portOf } from '../server-process.ts';
import { type InstalledModel, listModels } from './installed-models.ts';
import { type ProbeRequest, type SlotProbe, probeServer } from './probe.ts';
import { type ServerSettings, readSettings } from './server-settings.ts';

/** What was found of an Ollama server. Null: not seen, not measured. */
export interface OllamaSearch {
  /** `--host`, else `OLLAMA_HOST`, as it was written, but for a password; null where neither is given. */
  address: string | null;
  /** Where the server was looked for; null where the address can't be read. */
  url: string | null;
  /** Is the address one of this machine? */
  isLocal: boolean;
  /** Is there an `ollama` command on this machine? */
  isInstalled: boolean;
  /** Version of the server; null where no Ollama server answers. */
  version: string | null;
  /** Why the server can't be used; null where it can. */
  failure: ServerFailure | null;
  models: InstalledModel[];
  /** What the server was started with; null where that can't be seen. */
  settings: ServerSettings | null;
  /** Does it listen at an address that other machines may reach? Null where that can't be seen. */
  isOpenToOthers: boolean | null;
  /** How many requests it works on at once; null where it was not probed. */
  probe: SlotProbe | null;
}

interface ServerFailure {
  /**
   * silent: nothing answers · slow: what takes the connection says nothing · other: something else than Ollama answers · refused: it wants a key, or refuses all
   * clients · address: the address can't be read.
   */
  kind: 'silent' | 'slow' | 'other' | 'refused' | 'address';
  text: string;
}

/** What the findings about an Ollama server are made of. */
export interface FindingContext {
  ollama: OllamaSearch;
  /** What the user named on the command line. */
  asked: { host: string | null; model: string | null };
  machine: Machine;
}

/** What is to be found of an Ollama server, and how. */
export interface OllamaRequest extends BackendAddress, ProbeRequest {
  wantsProbe: boolean;
}

const answerMs = 10_000;
const listMs = 60_000;

/**
 * Looks for an Ollama server, and probes it where that is wanted. Throws a `UsageError` for a `--host` that can't be
 * read.
 */
export async function findOllama(request: OllamaRequest): Promise<OllamaSearch> {
  const address = withoutUser(givenText(request.connection, 'host') ?? request.environment['OLLAMA_HOST'] ?? null);
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
    return { ...nothing, ...place, version, ...(await examineServer(client, request)) };
  } finally {
    await client.close();
  }
}

const withoutUser = (address: string | null): string | null => address?.replace(/[^/]*@/, '') ?? null;

/** A wrong `--host` is a usage error; a wrong OLLAMA_HOST is a finding. */
function readHost(address: BackendAddress): OllamaHost | { failure: ServerFailure } {
  try {
    return ollamaHost(address);
  } catch (error) {
    if (givenText(address.connection, 'host') !== null || !(error instanceof LlmbatchError)) throw error;
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
    if (isTimeout(error))
      return { kind: 'slow', text: `Ollama answers too slowly at ${url}: nothing within ${answerMs / 1000} s` };
    const { kind, message } = classifyError(error);
    if (kind === 'connection') return { kind: 'silent', text: `nothing answers at ${url}` };
    if (kind === 'unauthorized') return { kind: 'refused', text: message };
    return { kind: 'other', text: `what answers at ${url} is no Ollama server` };
  }
}

const isTimeout = (error: unknown): boolean => error instanceof Error && error.name === 'TimeoutError';

type ServerFacts = Pick<OllamaSearch, 'models' | 'settings' | 'isOpenToOthers' | 'probe' | 'failure'>;

async function examineServer(
  client: OllamaClient,
  request: OllamaRequest,
): Promise<ServerFacts | { failure: ServerFailure }> {
  try {
    return await askServer(client, request);
  } catch (error) {
    const text = isTimeout(error) ? `no list of its models for ${listMs / 1000} s` : classifyError(error).message;
    return {
      failure: { kind: 'other', text: `what answers at ${client.host.url} does not behave like Ollama: ${text}` },
    };
  }
}

async function askServer(client: OllamaClient, request: OllamaRequest): Promise<ServerFacts> {
  const { host } = client;
  const settings = await readSettings(host);
  const isOpen = host.isLocal && process.platform === 'linux' ? await isOpenToOthers(portOf(host.url)) : null;
  const models = await listModels(client, AbortSignal.timeout(listMs));
  const probe = request.wantsProbe ? await probeServer(client, models, request) : null;
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
