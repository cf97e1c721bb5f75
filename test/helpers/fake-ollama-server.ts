import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createAnswerWriter, said } from './fake-ollama/answer-writer.ts';
import { type Exchange, type FakeOllamaRequest, readText, send, sendJson } from './fake-ollama/exchange.ts';
import { generate } from './fake-ollama/generate.ts';
import { type JsonObject, isObject } from './fake-ollama/json.ts';
import { type FakeModel, defaultDigest, fullName, listLoaded, listModel, showModel } from './fake-ollama/models.ts';
import { refusalIn, refuse } from './fake-ollama/refusal.ts';
import {
  checkFieldTypes,
  parseBody,
  readGenerateRequest,
  readLoadOptions,
  readModelName,
} from './fake-ollama/request.ts';
import { createScheduler } from './fake-ollama/scheduler.ts';

export interface FakeOllamaOptions {
  /** OLLAMA_NUM_PARALLEL. */
  slots?: number;
  /** OLLAMA_MAX_QUEUE: how many may wait for a load. */
  maxQueue?: number;
  version?: string;
  loadMs?: number;
  /** What a token of the answer takes, and one of the prompt. */
  tokenMs?: number;
  promptTokenMs?: number;
  models?: string[];
  capabilities?: string[];
  /** OLLAMA_CONTEXT_LENGTH. */
  contextLength?: number;
  /** False: `prompt_eval_cached_count` is absent, as before 0.33.3. */
  reportsCached?: boolean;
  /** False: a prompt that is too long is cut whatever the request says. */
  honoursTruncate?: boolean;
  /** The model's own chat template (OLLAMA_GO_TEMPLATE=0): too long is an error even with truncation on. */
  nativeTemplate?: boolean;
  /** The share of a loaded model that is in video memory. */
  vram?: number;
}

export interface FakeOllama {
  url: string;
  /** As OLLAMA_HOST has it. */
  host: string;
  close: () => Promise<void>;
  /** A server outage: sockets break, the port refuses. */
  stop: () => Promise<void>;
  /** On the same port again, with nothing loaded. */
  start: () => Promise<void>;
  deleteModel: (name: string) => void;
  /** Another client loads the model with other options. */
  reloadByOther: (options: JsonObject) => Promise<void>;
  readonly requests: FakeOllamaRequest[];
  readonly loads: number;
  readonly maxInFlight: number;
  readonly maxWaiting: number;
  /** How many requests the client gave up. */
  readonly aborted: number;
}

/** A server on loopback that speaks as Ollama does, and knows the answers of the bundled model tiny-scorer. */
export async function startFakeOllama(options: FakeOllamaOptions = {}): Promise<FakeOllama> {
  const settings = {
    slots: 1,
    maxQueue: 512,
    version: '0.34.0',
    loadMs: 0,
    tokenMs: 0,
    promptTokenMs: 0,
    contextLength: 4096,
    reportsCached: true,
    honoursTruncate: true,
    nativeTemplate: false,
    vram: 0,
    ...options,
  };
  const capabilities = options.capabilities ?? ['completion'];
  const models = new Map(
    (options.models ?? ['tiny-scorer']).map((name): [string, FakeModel] => [
      fullName(name),
      { name, capabilities, digest: defaultDigest },
    ]),
  );
  const scheduler = createScheduler(settings);
  const requests: FakeOllamaRequest[] = [];
  const sockets = new Set<Socket>();
  let aborted = 0;

  const find = (name: string, missing = name): FakeModel => {
    const model = models.get(fullName(name));
    if (model === undefined) throw refuse(404, `model '${missing}' not found`);
    return model;
  };

  const routes: Record<string, Record<string, (exchange: Exchange) => void | Promise<void>>> = {
    '/': {
      GET: ({ response }) => send(response, 200, { type: 'text/plain; charset=utf-8', text: 'Ollama is running' }),
    },
    '/api/version': { GET: ({ response }) => sendJson(response, 200, { version: settings.version }) },
    '/api/tags': { GET: ({ response }) => sendJson(response, 200, { models: [...models.values()].map(listModel) }) },
    '/api/ps': { GET: ({ response }) => sendJson(response, 200, { models: listRunning() }) },
    '/api/show': { POST: show },
    '/api/chat': { POST: (exchange) => answer('chat', exchange) },
    '/api/generate': { POST: (exchange) => answer('generate', exchange) },
    '/api/embed': { POST: embed },
  };

  function listRunning(): JsonObject[] {
    return scheduler.loadedModels().flatMap((loaded) => {
      const model = models.get(loaded.runner.model);
      return model === undefined ? [] : [listLoaded(model, loaded, settings)];
    });
  }

  function show({ request, response }: Exchange): void {
    const body = parseBody(request.text);
    const name = readModelName(body);
    sendJson(response, 200, showModel(find(name, fullName(name)), body['verbose'] === true));
  }

  function embed({ request }: Exchange): void {
    find(readModelName(parseBody(request.text)));
    throw refuse(501, 'This server does not support embeddings. Start it with `--embeddings`');
  }

  async function answer(route: 'chat' | 'generate', { request, response, gone }: Exchange): Promise<void> {
    const begin = process.hrtime.bigint();
    const body = parseBody(request.text);
    checkFieldTypes(route, body);
    const model = find(readModelName(body));
    const thinks = model.capabilities.includes('thinking');
    const asked = readGenerateRequest(route, body, { numCtx: settings.contextLength, thinks });
    const name = fullName(model.name);
    if (asked.empty && asked.wanted.keepAlive === 0) {
      scheduler.unload(name);
      sendJson(response, 200, { ...said(asked, ''), done: true, done_reason: 'unload' });
      return;
    }
    const { runner, release } = await scheduler.acquire(name, asked.wanted, gone);
    const loaded = process.hrtime.bigint();
    try {
      if (asked.empty) {
        sendJson(response, 200, { ...said(asked, ''), done: true, done_reason: 'load' });
        return;
      }
      const times = { begin, loaded: () => loaded };
      const writer = createAnswerWriter(asked, response, { times, reportsCached: settings.reportsCached });
      try {
        writer.end(await generate(asked, runner, { settings, signal: gone, onPiece: (text) => writer.piece(text) }));
      } catch (error) {
        const refusal = refusalIn(error);
        if (refusal === null) throw error;
        writer.refuse(refusal);
      }
    } finally {
      release();
    }
  }

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    if (incoming.headers.connection !== 'close') response.removeHeader('Connection');
    const path = (incoming.url ?? '').split('?')[0] ?? '';
    if (!isLocal(incoming.headers.host)) {
      response.writeHead(403, { 'Content-Length': 0 }).end();
      return;
    }
    const text = await readText(incoming);
    const request: FakeOllamaRequest = {
      method: incoming.method ?? '',
      path,
      headers: incoming.headers,
      text,
      body: bodyIn(text),
      atMs: performance.now(),
    };
    requests.push(request);
    const route = routes[path];
    if (route === undefined) return send(response, 404, { type: 'text/plain', text: '404 page not found' });
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const run = route[method];
    if (run === undefined) {
      response.setHeader('Allow', Object.keys(route).join(', '));
      return send(response, 405, { type: 'text/plain', text: '405 method not allowed' });
    }
    const gone = new AbortController();
    response.on('close', () => {
      if (response.writableFinished) return;
      aborted++;
      gone.abort();
    });
    await run({ request, response, gone: gone.signal });
  }

  function onRequest(incoming: IncomingMessage, response: ServerResponse): void {
    handle(incoming, response).catch((error: unknown) => {
      const refusal = refusalIn(error);
      if (refusal !== null) return sendJson(response, refusal.status, { error: refusal.text });
      // The client is gone, or the helper is wrong: then the test should see no answer at all.
      response.destroy();
      if (!response.destroyed) throw error;
    });
  }

  let server: Server | null = null;
  const listen = async (port: number): Promise<Server> => {
    const created = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, onRequest);
    created.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      created.on('error', reject);
      created.listen(port, '127.0.0.1', resolve);
    });
    return created;
  };
  const stop = async (): Promise<void> => {
    const stopped = server;
    if (stopped === null) return;
    server = null;
    await new Promise((resolve) => {
      stopped.close(resolve);
      for (const socket of sockets) socket.resetAndDestroy();
    });
    scheduler.unloadAll();
  };

  server = await listen(0);
  const { port } = server.address() as AddressInfo;
  const host = `127.0.0.1:${port}`;
  return {
    url: `http://${host}`,
    host,
    requests,
    stop,
    close: stop,
    async start() {
      server ??= await listen(port);
    },
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
      return aborted;
    },
  };
}

function bodyIn(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

const isLocal = (host = ''): boolean => /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(host);
