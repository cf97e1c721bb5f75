import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  createServer,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDeferred } from '../../src/async/deferred.ts';
import { type JsonObject, isObject } from './fake-ollama/json.ts';
import { createWaitingLine } from './fake-ollama/waiting-line.ts';
import { speak } from './fake-openai/answer.ts';
import { errorPages, isErrorPage } from './fake-openai/errors.ts';
import type { FaultName } from './fake-openai/faults.ts';
import { sendAnswer } from './fake-openai/send-answer.ts';

export interface FakeOpenaiOptions {
  /** Whose pages it has beside OpenAI's: they show what kind of server it is. */
  kind?: 'vllm' | 'llama-server' | 'ollama' | 'hosted';
  models?: string[];
  /** False: no /v1/models, as some proxies. */
  listsModels?: boolean;
  /** The key that it wants. */
  key?: string | null;
  /** Requests that it works on at once; the others wait. */
  slots?: number;
  /** How many may wait: more are refused with 503. */
  maxQueue?: number;
  tokenMs?: number;
  /** Tokens of its context window. */
  window?: number;
  /** After so long without a request a connection is closed, without notice (vLLM: 5,000). */
  keepAliveMs?: number;
  /** The path of its API. */
  path?: string;
  headers?: Record<string, string>;
  /** A chat template that /props shows. */
  template?: string;
  /** What `/tokenize` makes one token of; absent: there is no such page. It puts the first of them before each prompt. */
  tokens?: string[];
  /** So many requests for answers have come before the first of them is answered. */
  gathers?: number;
}

interface FakeOpenaiRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  text: string;
  body: JsonObject | null;
  /** How often the same request came before. */
  attempt: number;
}

export interface FakeOpenai {
  /** With /v1. */
  url: string;
  /** Set it to let requests for answers fail. */
  faults: ((request: FakeOpenaiRequest) => FaultName | null) | null;
  /** An outage: connections break, the port refuses; and its end, on the same port. */
  stop: () => Promise<void>;
  start: () => Promise<void>;
  close: () => Promise<void>;
  models: string[];
  /** Requests of others that its page of metrics counts too; null: it has no such page. */
  others: number | null;
  /** What /health says. */
  health: number;
  /** Requests for answers. */
  readonly requests: FakeOpenaiRequest[];
  /** Of anything. */
  readonly paths: string[];
  readonly maxInFlight: number;
  readonly maxConnections: number;
  /** Connections that were made, all together. */
  readonly connections: number;
  /** How many requests the client gave up. */
  readonly aborted: number;
}

const defaults = {
  kind: 'vllm',
  models: ['tiny-scorer'],
  listsModels: true,
  key: null as string | null,
  slots: 64,
  maxQueue: Infinity,
  tokenMs: 0,
  window: 1024,
  keepAliveMs: 5000,
  path: '/v1',
  headers: {},
  template: '',
  tokens: [] as string[],
  gathers: 0,
} as const;

const owners = { vllm: 'vllm', 'llama-server': 'llamacpp', ollama: 'library', hosted: 'system' };

/** A server on loopback that speaks as OpenAI-compatible ones do, and knows the answers of the bundled model tiny-scorer. */
export async function startFakeOpenai(options: FakeOpenaiOptions = {}): Promise<FakeOpenai> {
  const settings = { ...defaults, ...options };
  const { kind, key, path: base, window } = settings;
  const requests: FakeOpenaiRequest[] = [];
  const paths: string[] = [];
  const attempts = new Map<string, number>();
  const sockets = new Set<Socket>();
  const idle = new WeakMap<Socket, NodeJS.Timeout>();
  const seen = { inFlight: 0, maxInFlight: 0, maxConnections: 0, connections: 0, aborted: 0 };
  const line = createWaitingLine(settings.slots, () => {});
  const gathered = createDeferred<null>();
  let running: Server | null = null;
  let port = 0;
  const fake: FakeOpenai = {
    url: '',
    faults: null,
    start,
    stop,
    close: stop,
    models: [...settings.models],
    others: null,
    health: 200,
    requests,
    paths,
    get maxInFlight() {
      return seen.maxInFlight;
    },
    get maxConnections() {
      return seen.maxConnections;
    },
    get connections() {
      return seen.connections;
    },
    get aborted() {
      return seen.aborted;
    },
  };

  const sendJson = (response: ServerResponse, value: unknown, status = 200): void => {
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
  };

  const pages: Record<string, () => unknown> = {
    [`${base}/models`]: () => ({
      object: 'list',
      data: fake.models.map((id) => ({
        id,
        object: 'model',
        owned_by: owners[kind],
        ...(kind === 'vllm' && { max_model_len: window }),
      })),
    }),
    ...(kind === 'vllm' && { '/version': () => ({ version: '0.32.0' }) }),
    ...(kind === 'ollama' && {
      '/api/version': () => ({ version: '0.34.0' }),
      // Loaded by the first request.
      '/api/ps': () => ({
        models: requests.length > 0 ? fake.models.map((name) => ({ name, context_length: window })) : [],
      }),
    }),
    ...(kind === 'llama-server' && {
      '/props': () => ({
        total_slots: settings.slots,
        build_info: 'b9000-abc',
        chat_template: settings.template,
        default_generation_settings: { n_ctx: window },
      }),
    }),
  };

  async function answer(request: FakeOpenaiRequest, response: ServerResponse, fault: FaultName | null): Promise<void> {
    const gone = new AbortController();
    response.on('close', () => gone.abort(new Error('gone')));
    if (fault === 'hang') return;
    if (fault === 'html')
      return void response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>Log in</html>');
    if (fault === 'last-of-limit') {
      response.setHeader('x-ratelimit-remaining-requests', '0');
      response.setHeader('x-ratelimit-reset-requests', '1.5s');
    }
    if (fault !== null && isErrorPage(fault)) {
      const { status, body, headers = {} } = errorPages[fault];
      return void response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(body);
    }
    const { body } = request;
    if (body === null) return sendJson(response, { error: { message: 'no JSON', code: 400 } }, 400);
    if (line.inside >= settings.slots && line.waiting >= settings.maxQueue) {
      return void response.writeHead(503).end(errorPages.overloaded.body);
    }
    await line.enter(gone.signal);
    try {
      if (request.path.endsWith('/embeddings')) return sendJson(response, embed(body));
      const spoken = speak(body, { window });
      const isTooLong = Number(spoken.usage['prompt_tokens']) >= window;
      if (isTooLong && kind === 'ollama') spoken.usage['prompt_tokens'] = window / 2 + 3;
      else if (isTooLong) return void response.writeHead(400).end(errorPages['context-vllm'].body);
      await sendAnswer(response, { body, spoken, fault, tokenMs: settings.tokenMs });
    } finally {
      line.leave();
    }
  }

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers } = incoming;
    paths.push(path);
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part as Buffer);
    const text = Buffer.concat(parts).toString('utf8');
    for (const [name, value] of Object.entries<string>(settings.headers)) response.setHeader(name, value);
    if (key !== null && path.startsWith(base) && headers.authorization !== `Bearer ${key}`) {
      return sendJson(
        response,
        { error: { message: `Incorrect API key provided: ${headers.authorization ?? 'none'}` } },
        401,
      );
    }
    if (path === '/health') return void response.writeHead(fake.health).end();
    if (path === '/metrics' && fake.others !== null) {
      const all = seen.inFlight + fake.others;
      return void response.end(`vllm:num_requests_running ${all}\nvllm:num_requests_waiting 0\n`);
    }
    const page = pages[path];
    if (method === 'GET' && page !== undefined && (settings.listsModels || path !== `${base}/models`))
      return sendJson(response, page());
    if (method === 'POST' && path === '/tokenize' && settings.tokens.length > 0)
      return sendJson(response, { tokens: tokenize(settings.tokens, parse(text) ?? {}) });
    if (method !== 'POST' || !path.startsWith(`${base}/`)) return sendJson(response, { detail: 'Not Found' }, 404);
    const attempt = attempts.get(text) ?? 0;
    attempts.set(text, attempt + 1);
    const request = { method, path, headers, text, body: parse(text), attempt };
    requests.push(request);
    const fault = fake.faults?.(request) ?? null;
    response.on('close', () => {
      seen.inFlight--;
      if (!response.writableFinished && running !== null && fault !== 'reset' && fault !== 'closed') seen.aborted++;
    });
    seen.maxInFlight = Math.max(seen.maxInFlight, ++seen.inFlight);
    if (seen.inFlight >= settings.gathers) gathered.resolve(null);
    await gathered.promise;
    await answer(request, response, fault);
  }

  async function start(): Promise<void> {
    // No limit of its own, of which it would tell: vLLM does not.
    const server = createServer({ keepAliveTimeout: 0 }, (incoming, response) => {
      const { socket } = incoming;
      clearTimeout(idle.get(socket));
      response.on('close', () => idle.set(socket, setTimeout(() => socket.destroy(), settings.keepAliveMs).unref()));
      handle(incoming, response).catch(() => response.destroy());
    });
    server.on('connection', (socket) => {
      sockets.add(socket);
      seen.connections++;
      seen.maxConnections = Math.max(seen.maxConnections, sockets.size);
      socket.on('close', () => sockets.delete(socket));
    });
    await listen(server, port);
    port = (server.address() as AddressInfo).port;
    running = server;
  }

  async function stop(): Promise<void> {
    const server = running;
    running = null;
    for (const socket of sockets) socket.resetAndDestroy();
    await new Promise((resolve) => (server === null ? resolve(null) : server.close(resolve)));
  }

  await start();
  fake.url = `http://127.0.0.1:${port}${base}`;
  return fake;
}

/** The port may be in use for a moment after an outage. */
async function listen(server: Server, port: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    const error = await new Promise<Error | null>((resolve) => {
      server.once('error', resolve);
      server.listen({ port, host: '127.0.0.1', backlog: 2048 }, () => resolve(null));
    });
    if (error === null) return;
    if (tries === 20) throw error;
    await sleep(50);
  }
}

function parse(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function embed(body: JsonObject): JsonObject {
  const inputs = [body['input']].flat();
  return {
    object: 'list',
    model: body['model'],
    data: inputs.map((input, index) => ({ object: 'embedding', index, embedding: [String(input).length, 1] })),
    usage: { prompt_tokens: inputs.join('').length, total_tokens: inputs.join('').length },
  };
}

/** A text that is one of the tokens is one, any other is one for each of its characters. */
function tokenize(known: string[], { prompt, add_special_tokens: isComplete }: JsonObject): number[] {
  const text = String(prompt);
  const tokens = known.includes(text) ? [known.indexOf(text)] : Array.from(text, () => known.length);
  return isComplete === true ? [0, ...tokens] : tokens;
}
