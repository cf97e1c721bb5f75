import type {
  ExaminedEngine,
  ExamineRequest,
  ExaminedServer,
  ReadyModel,
  ReportRow,
} from '../../core/doctor/examination.ts';
import type { EngineLoad } from '../../core/measurements.ts';
import { UsageError } from '../../core/errors.ts';
import { type Finding, finding } from '../../core/doctor/finding.ts';
import { isRecord } from '../../data/is-record.ts';
import { formatCounted, formatInteger, notMeasured } from '../../text/format.ts';
import { BrokenAnswer } from '../http/connection-errors.ts';
import { parsedOrText } from '../http/json-text.ts';
import { isLoopback } from '../../machine/is-loopback.ts';
import { type BackendAddress, givenText } from '../../core/connection.ts';
import { type ServerPlace, openaiPlace, readBaseUrl } from './http/base-url.ts';
import { type OpenaiClient, createClient } from './http/client.ts';
import { classifyThrown } from './http/classify-error.ts';
import { askLoad } from './server/server-load.ts';
import { forgetsBeginnings } from './server/sliding-window.ts';
import { type ModelList, isListed, readModelList } from './server/served-models.ts';

/** An OpenAI-compatible server, as a look at its list of models showed it. */
interface FoundServer extends ModelList {
  /** Its URL, without a name, a password or a query, which could be secret. */
  url: string;
  /** The flag or OPENAI_BASE_URL names it, or it is at a port where such servers usually are. */
  namedBy: '--base-url' | 'OPENAI_BASE_URL' | 'port';
  /** Why it can't be used; null where it can. */
  failure: string | null;
  /** It is a llama-server that forgets the beginnings of prompts, which other prompts share. Absent: it isn't, or that can't be seen. */
  forgetsBeginnings?: true;
  /** What it works on; null where it does not say. */
  load: EngineLoad | null;
}

/** The OpenAI-compatible servers that were found. */
export interface OpenaiSearch {
  isBaseUrlSet: boolean;
  /** Ports of this machine that were looked at: none where a flag names the server. */
  ports: number[];
  /** What the flag or OPENAI_BASE_URL names, whether it answers or not, and what answers at the ports. */
  servers: FoundServer[];
}

/** Ports of `vllm serve`, `llama-server`, LM Studio and SGLang. */
const usualPorts = [8000, 8080, 1234, 30_000];
const portMs = 1500;
const baseUrlMs = 5000;

/** Looks for OpenAI-compatible servers. */
export async function examineOpenai(request: ExamineRequest): Promise<ExaminedEngine> {
  const { otherServers, model } = request;
  return examinedServers(await findOpenai(request, { otherServers }), { otherServers, model });
}

/**
 * Looks at what the flag names; without it at what OPENAI_BASE_URL names, and at the usual ports. The key goes to what is
 * named, to no other server and into no text.
 */
export async function findOpenai(
  { connection, environment }: BackendAddress,
  { otherServers, ports = usualPorts }: { otherServers: readonly ExaminedServer[]; ports?: number[] },
): Promise<OpenaiSearch> {
  const baseUrl = environment['OPENAI_BASE_URL']?.trim() ?? '';
  const given = givenText(connection, 'baseUrl');
  if (given !== null) {
    const server = await askServer(openaiPlace({ connection, environment }), '--base-url');
    return { isBaseUrlSet: baseUrl !== '', ports: [], servers: [server] };
  }
  const taken = [...otherServers.map(({ url }) => url), baseUrl].map(localPort);
  const free = ports.filter((port) => !taken.includes(port));
  const [named, ...found] = await Promise.all([
    baseUrl === '' ? null : askNamed(baseUrl, environment),
    ...free.map((port) => askPort(port)),
  ]);
  // A program at a usual port that does not answer like such a server is not reported.
  const servers = found.filter((server) => server.failure === null);
  return { isBaseUrlSet: baseUrl !== '', ports: free, servers: named === null ? servers : [named, ...servers] };
}

/** The port of an address of this machine; null for another address. */
function localPort(text: string): number | null {
  if (!URL.canParse(text)) return null;
  const { protocol, hostname, port } = new URL(text);
  return isLoopback(hostname) ? Number(port || (protocol === 'https:' ? 443 : 80)) : null;
}

/** Reads OPENAI_BASE_URL as a run does: what a run would refuse is told here. */
async function askNamed(baseUrl: string, environment: NodeJS.ProcessEnv): Promise<FoundServer> {
  let url: string = notMeasured;
  try {
    url = readBaseUrl(baseUrl).url;
    return await askServer(openaiPlace({ connection: {}, environment }), 'OPENAI_BASE_URL');
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { ...notFound, url, namedBy: 'OPENAI_BASE_URL', failure: error.message };
  }
}

async function askPort(port: number): Promise<FoundServer> {
  const root = `http://127.0.0.1:${port}`;
  return askServer({ ...readBaseUrl(root), root, key: null }, 'port');
}

const notFound = { kind: null, models: [], failure: null, load: null };

async function askServer(place: ServerPlace, namedBy: FoundServer['namedBy']): Promise<FoundServer> {
  const server: FoundServer = { ...notFound, url: place.url, namedBy };
  const client = createClient(place, 1);
  try {
    const signal = AbortSignal.timeout(namedBy === 'port' ? portMs : baseUrlMs);
    const { status, text } = await client.get(`${place.url}/models`, signal);
    if (status === 401 || status === 403) {
      return { ...server, failure: `it needs ${place.key === null ? 'a key' : 'another key'} (HTTP ${status})` };
    }
    const list = status === 200 ? readModelList(text) : null;
    const failure = list === null ? `its /models is not a list of models (HTTP ${status})` : null;
    const load = await askLoad(client, list?.kind ?? null, signal).catch(() => null);
    return { ...server, ...list, failure, load, ...(await findForgetting(client, list, signal)) };
  } catch (error) {
    return { ...server, failure: reasonOf(error) };
  } finally {
    await client.close();
  }
}

async function findForgetting(
  { get, place }: OpenaiClient,
  list: ModelList | null,
  signal: AbortSignal,
): Promise<Pick<FoundServer, 'forgetsBeginnings'>> {
  const port = localPort(place.url);
  if (list?.kind !== 'llamacpp' || port === null) return {};
  const { text } = await get(`${place.root}/props`, signal);
  const props = parsedOrText(text);
  const path = isRecord(props) ? props['model_path'] : null;
  if (typeof path !== 'string' || (await forgetsBeginnings(port, path)) !== true) return {};
  return { forgetsBeginnings: true };
}

function reasonOf(error: unknown): string {
  if (error instanceof BrokenAnswer) return `its /models can't be read: ${error.message}`;
  if (error instanceof Error && error.name === 'TimeoutError') return 'it does not answer';
  const { kind, message } = classifyThrown(error);
  return kind === 'connection' ? 'nothing answers' : message.replace(/\.$/, '');
}

interface SearchContext {
  otherServers: readonly ExaminedServer[];
  /** The model that a server is to have which the flag names; null: any. */
  model: string | null;
}

/** Describes the servers that were found. */
export function examinedServers(search: OpenaiSearch, context: SearchContext): ExaminedEngine {
  return {
    isUsable: search.servers.some(({ failure }) => failure === null),
    serverUrl: null,
    models: search.servers.flatMap(readyModels),
    json: { openai: search },
    report: () => ({
      rows: serverRows(search),
      findings: search.servers.flatMap((server) => serverFindings(server, context)),
      howToSet: [],
    }),
  };
}

/** A server that was found at a usual port has to be named to a run. */
const readyModels = ({ models, failure, namedBy, url }: FoundServer): ReadyModel[] =>
  failure === null ? models.map(({ name }) => ({ name, flags: namedBy === 'port' ? ['--base-url', url] : [] })) : [];

function serverRows({ isBaseUrlSet, ports, servers }: OpenaiSearch): ReportRow[] {
  if (servers.length > 0) return servers.map((server, index) => [index === 0 ? 'openai' : '', serverText(server)]);
  const base = isBaseUrlSet ? '' : 'at OPENAI_BASE_URL (not set) nor ';
  return [['openai', `nothing ${base}at ports ${ports.join(', ')} of this machine`]];
}

const maxNames = 3;

function serverText(server: FoundServer): string {
  const { url, namedBy, kind, models, failure } = server;
  const place = namedBy === 'OPENAI_BASE_URL' ? `${url} (OPENAI_BASE_URL)` : url;
  if (failure !== null) return `${place}: ${failure}`;
  const work = workOf(server);
  return `${place}${kind === null ? '' : `, ${kind}`}: ${listOf(models) || 'no model'}${work === '' ? '' : `, ${work}`}`;
}

function listOf(models: FoundServer['models']): string {
  const names = models.slice(0, maxNames).map(({ name, contextTokens }) => {
    return contextTokens === null ? name : `${name} (${formatInteger(contextTokens)} tokens)`;
  });
  return `${names.join(', ')}${models.length > maxNames ? ` and ${models.length - maxNames} more` : ''}`;
}

/** What it is doing, for somebody else; '' where that is nothing, or not known. */
function workOf({ load }: FoundServer): string {
  if (load === null || load.running + (load.waiting ?? 0) === 0) return '';
  const { running, waiting } = load;
  return `${formatCounted(running, 'request')} running${waiting === null ? '' : `, ${formatInteger(waiting)} waiting`}`;
}

const serverFindings = (server: FoundServer, context: SearchContext): Finding[] => [
  ...failureFindings(server),
  ...modelFindings(server, context),
  ...forgettingFindings(server),
  ...busyFindings(server),
  ...ollamaFindings(server, context),
];

/** What cannot be used is an error where the command line names it. */
function failureFindings({ namedBy, url, failure }: FoundServer): Finding[] {
  if (namedBy === 'port' || failure === null) return [];
  if (namedBy === '--base-url') {
    const fix =
      'start it, or name another server; if it needs a key, set OPENAI_API_KEY, or the variable that --servers names';
    return [finding('error', 'openai-server', `the server at ${url} can't be used: ${failure}`, fix)];
  }
  const text = `the server that OPENAI_BASE_URL names (${url}) can't be used: ${failure}`;
  const fix = 'OPENAI_BASE_URL=http://host:port/v1, and OPENAI_API_KEY if the server needs a key';
  return [finding('warning', 'openai-server', text, fix)];
}

function modelFindings({ namedBy, url, failure, models }: FoundServer, { model }: SearchContext): Finding[] {
  if (namedBy !== '--base-url' || model === null || failure !== null || isListed(models, model)) return [];
  const fix = `a name that it lists (${listOf(models) || 'none'}), or start it with the model`;
  return [finding('error', 'openai-model', `the server at ${url} has no model "${model}"`, fix)];
}

function busyFindings(server: FoundServer): Finding[] {
  const work = workOf(server);
  if (work === '') return [];
  const text = `the server at ${server.url} is at work already (${work})`;
  return [finding('hint', 'openai-busy', text, 'what is started now shares its speed and its prefix cache with that')];
}

function forgettingFindings({ url, forgetsBeginnings: forgets }: FoundServer): Finding[] {
  if (forgets !== true) return [];
  const text = `the llama-server at ${url} forgets the tokens outside the sliding window of its model: the shared beginning of prompts of a few hundred tokens is computed again each time (measured with Gemma 3: 1.8 times as fast with this flag, which needs more memory for the KV cache)`;
  return [finding('warning', 'openai-sliding-window', text, 'start it with --swa-full')];
}

function ollamaFindings({ namedBy, url, kind, failure }: FoundServer, { otherServers }: SearchContext): Finding[] {
  if (namedBy === 'port' || failure !== null) return [];
  const isOllama =
    kind === 'library' || otherServers.some((other) => other.backend === 'ollama' && url.startsWith(`${other.url}/`));
  if (!isOllama) return [];
  const text = `${namedBy} names an Ollama server (${url}), which cuts long prompts in silence under /v1`;
  return [finding('warning', 'openai-is-ollama', text, '-b ollama, with OLLAMA_HOST or --host for its address')];
}
