import { wholeText } from '../backends/http/body-text.ts';
import { BrokenAnswer } from '../backends/http/connection-errors.ts';
import { isLoopback } from '../backends/http/is-loopback.ts';
import { readBaseUrl } from '../backends/openai/http/base-url.ts';
import { type ModelList, readModelList } from '../backends/openai/server/served-models.ts';
import { UsageError, codeOf, messageOf } from '../core/errors.ts';
import { notMeasured } from '../text/format.ts';

export interface OpenaiServer extends ModelList {
  /** Without a name, a password or a query, which could be secret. */
  url: string;
  /** What named it: the variable, or that such a server usually is there. */
  namedBy: 'OPENAI_BASE_URL' | 'port';
  /** Why it can't be used. */
  failure: string | null;
}

export interface OpenaiSearch {
  isBaseUrlSet: boolean;
  /** Ports of this machine that were looked at. */
  ports: number[];
  /** What OPENAI_BASE_URL names, whether it answers or not, and what answers at the ports. */
  servers: OpenaiServer[];
}

/** `vllm serve`, `llama-server`, LM Studio, SGLang. */
const usualPorts = [8000, 8080, 1234, 30_000];
const portMs = 1500;
const baseUrlMs = 5000;
/** Hosted services list hundreds of models, with some 10 kB of facts each at most. */
const maxListBytes = 16 * 2 ** 20;

/** The key goes to what OPENAI_BASE_URL names, to no other server and into no text. */
export async function findOpenai(
  environment: NodeJS.ProcessEnv,
  { ollamaUrl, ports = usualPorts }: { ollamaUrl: string; ports?: number[] },
): Promise<OpenaiSearch> {
  const baseUrl = environment['OPENAI_BASE_URL']?.trim() ?? '';
  const key = environment['OPENAI_API_KEY'] || null;
  const taken = [ollamaUrl, baseUrl].map(localPort);
  const free = ports.filter((port) => !taken.includes(port));
  const [named, ...found] = await Promise.all([
    baseUrl === '' ? null : askBaseUrl(baseUrl, key),
    ...free.map((port) => ask(`http://127.0.0.1:${port}/v1`, { namedBy: 'port', key: null })),
  ]);
  // What does not answer as such a server at a usual port is no business of ours.
  const servers = found.filter((server) => server?.failure === null);
  return { isBaseUrlSet: baseUrl !== '', ports: free, servers: [named, ...servers].filter((one) => one != null) };
}

/** The port of an address of this machine, else null. */
function localPort(text: string): number | null {
  if (!URL.canParse(text)) return null;
  const { protocol, hostname, port } = new URL(text);
  const isLocal = isLoopback(hostname);
  return isLocal ? Number(port || (protocol === 'https:' ? 443 : 80)) : null;
}

/** Read as the backend reads it: what that refuses is told here. */
async function askBaseUrl(text: string, key: string | null): Promise<OpenaiServer> {
  try {
    return await ask(readBaseUrl(text).url, { namedBy: 'OPENAI_BASE_URL', key });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { url: notMeasured, namedBy: 'OPENAI_BASE_URL', kind: null, models: [], failure: error.message };
  }
}

async function ask(
  url: string,
  { namedBy, key }: { namedBy: OpenaiServer['namedBy']; key: string | null },
): Promise<OpenaiServer> {
  const server: OpenaiServer = { url, namedBy, kind: null, models: [], failure: null };
  try {
    const response = await fetch(`${url}/models`, {
      headers: key === null ? {} : { Authorization: `Bearer ${key}` },
      // Another server would be shown the key.
      redirect: 'manual',
      signal: AbortSignal.timeout(namedBy === 'port' ? portMs : baseUrlMs),
    });
    const list = await listOf(response);
    if (response.status === 401 || response.status === 403) {
      return { ...server, failure: `it wants ${key === null ? 'a key' : 'another key'} (HTTP ${response.status})` };
    }
    return list === null
      ? { ...server, failure: `its /models is no list of models (HTTP ${response.status})` }
      : { ...server, ...list };
  } catch (error) {
    return { ...server, failure: reasonOf(error) };
  }
}

async function listOf({ status, body }: Response): Promise<ModelList | null> {
  if (status === 200 && body !== null) return readModelList(await wholeText(body, maxListBytes));
  await body?.cancel();
  return null;
}

function reasonOf(error: unknown): string {
  if (error instanceof BrokenAnswer) return `its /models can't be read: ${error.message}`;
  if (error instanceof Error && error.name === 'TimeoutError') return 'it does not answer';
  const code = codeOf(error) || (error instanceof Error ? codeOf(error.cause) : '');
  return code === '' ? `it can't be reached: ${messageOf(error)}` : `nothing answers (${code})`;
}
