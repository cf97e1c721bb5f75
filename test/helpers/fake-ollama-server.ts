import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type FakeOllamaRequest, readText, send, sendJson } from './fake-ollama/exchange.ts';
import { type FaultPlan, isWholeFault, sendFault } from './fake-ollama/faults.ts';
import { type JsonObject, isObject, textIn } from './fake-ollama/json.ts';
import { type FakeModel, defaultDigest, fullName } from './fake-ollama/models.ts';
import { refusalIn } from './fake-ollama/refusal.ts';
import { readLoadOptions } from './fake-ollama/request.ts';
import { type Route, createRoutes } from './fake-ollama/routes.ts';
import { createScheduler } from './fake-ollama/scheduler.ts';

export interface FakeOllamaOptions {
  /** OLLAMA_NUM_PARALLEL. */
  slots?: number;
  /** OLLAMA_MAX_QUEUE: how many may wait for a load. */
  maxQueue?: number;
  version?: string;
  loadMs?: number;
  /** What a token of the answer takes, and one of the prompt that is not in the slot's cache. */
  tokenMs?: number;
  promptTokenMs?: number;
  models?: string[];
  /** Digest of every model: what tells its weights apart from others. */
  digest?: string;
  /** `completion`, `embedding`, `thinking`, `tools`; of every model. */
  capabilities?: string[];
  /** OLLAMA_CONTEXT_LENGTH. */
  contextLength?: number;
  /** False: `prompt_eval_cached_count` is absent, as before 0.33.3. */
  reportsCached?: boolean;
  /** False: a prompt that is too long is cut whatever the request says. */
  honoursTruncate?: boolean;
  /** The model's own chat template (OLLAMA_GO_TEMPLATE=0): too long is an error even with truncation on. */
  nativeTemplate?: boolean;
  /** The template leaves a last message of the assistant's open, to be continued. */
  opensLastAnswer?: boolean;
  /** The share of a loaded model that is in video memory. */
  vram?: number;
}

export interface FakeOllama {
  url: string;
  /** As OLLAMA_HOST has it. */
  host: string;
  close: () => Promise<void>;
  /** Set it to let requests fail. */
  faults: FaultPlan | null;
  /** A server outage: connections break, the port refuses. */
  stop: () => Promise<void>;
  /** On the same port again, with nothing loaded. */
  start: () => Promise<void>;
  addModel: (name: string) => void;
  deleteModel: (name: string) => void;
  /** Another client loads the model with these options. */
  reloadByOther: (options: JsonObject) => Promise<void>;
  readonly requests: FakeOllamaRequest[];
  readonly loads: number;
  /** The most requests that had a slot at once, and the most that waited for one, or for a load. */
  readonly maxInFlight: number;
  readonly maxWaiting: number;
  /** How many requests the client gave up. */
  readonly aborted: number;
}

const defaults = {
  slots: 1,
  maxQueue: 512,
  version: '0.34.0',
  loadMs: 0,
  tokenMs: 0,
  promptTokenMs: 0,
  models: ['tiny-scorer'],
  digest: defaultDigest,
  capabilities: ['completion'],
  contextLength: 4096,
  reportsCached: true,
  honoursTruncate: true,
  nativeTemplate: false,
  opensLastAnswer: false,
  vram: 0,
};

/** A server on loopback that speaks as Ollama does, and knows the answers of the bundled model tiny-scorer. */
export async function startFakeOllama(options: FakeOllamaOptions = {}): Promise<FakeOllama> {
  const settings = { ...defaults, ...options };
  const models = new Map<string, FakeModel>();
  const addModel = (name: string): void => {
    models.set(fullName(name), { name, capabilities: settings.capabilities, digest: settings.digest });
  };
  for (const name of settings.models) addModel(name);
  const scheduler = createScheduler(settings);
  const routes = createRoutes({ settings, models, scheduler });
  const requests: FakeOllamaRequest[] = [];
  const attempts = new Map<string, number>();
  const sockets = new Set<Socket>();
  const state: { server: Server | null; faults: FaultPlan | null; aborted: number } = {
    server: null,
    faults: null,
    aborted: 0,
  };

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    if (incoming.headers.connection !== 'close') response.removeHeader('Connection');
    if (!isLocal(incoming.headers.host)) return void response.writeHead(403, { 'Content-Length': 0 }).end();
    const request = asRequest(incoming, await readText(incoming));
    const key = `${request.path} ${request.text}`;
    const attempt = attempts.get(key) ?? 0;
    attempts.set(key, attempt + 1);
    requests.push(request);
    const fault = state.faults?.(request, attempt) ?? null;
    const gone = new AbortController();
    response.on('close', () => {
      const isClients = state.server !== null && !response.writableFinished && fault !== 'reset' && fault !== 'closed';
      if (isClients) state.aborted++;
      gone.abort();
    });
    if (fault !== null && isWholeFault(fault)) {
      if (fault === 'oom') scheduler.unloadAll();
      return sendFault(response, fault);
    }
    await findRoute(request, response)?.({ request, response, gone: gone.signal }, fault);
  }

  function findRoute({ path, method }: FakeOllamaRequest, response: ServerResponse): Route | null {
    const route = routes[path];
    if (route === undefined) {
      send(response, 404, { type: 'text/plain', text: '404 page not found' });
      return null;
    }
    const run = route[method];
    if (run !== undefined) return run;
    response.setHeader('Allow', Object.keys(route).join(', '));
    send(response, 405, { type: 'text/plain', text: '405 method not allowed' });
    return null;
  }

  function onRequest(incoming: IncomingMessage, response: ServerResponse): void {
    handle(incoming, response).catch((error: unknown) => {
      const refusal = refusalIn(error);
      if (refusal !== null) return sendJson(response, refusal.status, { error: refusal.text });
      // Else the client is gone. Anything else is a mistake of this helper's, which must not look like an answer.
      if (response.destroyed) return;
      response.destroy();
      throw error;
    });
  }

  async function listen(port: number): Promise<Server> {
    const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, onRequest);
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      server.on('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    return server;
  }

  async function stop(): Promise<void> {
    const { server } = state;
    if (server === null) return;
    state.server = null;
    await new Promise((resolve) => {
      server.close(resolve);
      for (const socket of sockets) socket.resetAndDestroy();
    });
    scheduler.unloadAll();
  }

  const first = await listen(0);
  state.server = first;
  const { port } = first.address() as AddressInfo;
  const host = `127.0.0.1:${port}`;
  return {
    url: `http://${host}`,
    host,
    requests,
    stop,
    close: stop,
    async start() {
      state.server ??= await listen(port);
    },
    get faults() {
      return state.faults;
    },
    set faults(plan) {
      state.faults = plan;
    },
    addModel,
    deleteModel(name) {
      models.delete(fullName(name));
      scheduler.unload(fullName(name));
    },
    async reloadByOther(other) {
      const [name] = models.keys();
      if (name === undefined) throw new Error('the server has no model');
      const wanted = readLoadOptions(other, { shift: other['shift'], numCtx: settings.contextLength });
      const never = new AbortController().signal;
      const { release } = await scheduler.acquire(name, { options: wanted, keepAlive: 300_000 }, never);
      release();
    },
    get loads() {
      return scheduler.counts.loads;
    },
    get maxInFlight() {
      return scheduler.counts.maxInFlight;
    },
    get maxWaiting() {
      return scheduler.counts.maxWaiting;
    },
    get aborted() {
      return state.aborted;
    },
  };
}

function asRequest({ method = '', url = '', headers }: IncomingMessage, text: string): FakeOllamaRequest {
  const path = url.split('?')[0] ?? '';
  const body = parsed(text);
  return { method, path, headers, text, body, kind: kindOf(path, body), atMs: performance.now() };
}

function kindOf(path: string, body: JsonObject | null): FakeOllamaRequest['kind'] {
  if (path === '/api/embed') return 'embed';
  if (path !== '/api/chat' && path !== '/api/generate') return 'other';
  const messages = body?.['messages'];
  const hasText = (Array.isArray(messages) && messages.length > 0) || textIn(body?.['prompt']) !== '';
  return hasText ? 'answer' : 'load';
}

function parsed(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

const isLocal = (host = ''): boolean => /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(host);
