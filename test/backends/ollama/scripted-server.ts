import { once } from 'node:events';
import { type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { recordedExchanges } from '../../helpers/fake-ollama/recordings.ts';

/** Bytes of a 200, another status with its body, or whatever a function does. */
export type Reply =
  | string
  | Buffer
  | { status: number; body?: string; headers?: Record<string, string> }
  | ((response: ServerResponse, body: Record<string, unknown>) => void | Promise<void>);

export interface ScriptedServer {
  url: string;
  /** By path; may be changed at any time. A chat without messages, which loads the model, has the path `load`. */
  replies: Record<string, Reply>;
  readonly requests: { path: string; body: Record<string, unknown> }[];
  /** Connections that are open. */
  readonly connections: number;
  close: () => Promise<void>;
}

/** `/api/show` of the bundled model, as a real server answered it. */
export const shownTinyScorer = recordedText('show-verbose');

const tags = recordedText('tags');

function recordedText(name: string): string {
  const [exchange] = recordedExchanges(name);
  if (exchange === undefined) throw new Error(`the recording ${name} is empty`);
  return exchange.response.body;
}

/** A server that says exactly the bytes that a test gives it, where a whole Ollama would not. */
export async function startScripted(replies: Record<string, Reply> = {}): Promise<ScriptedServer> {
  const requests: ScriptedServer['requests'] = [];
  const all: Record<string, Reply> = {
    '/api/version': '{"version":"0.34.0"}',
    '/api/tags': tags,
    '/api/show': shownTinyScorer,
    '/api/ps': '{"models":[]}',
    load: '{"message":{"role":"assistant","content":""},"done":true,"done_reason":"load"}',
    ...replies,
  };
  const state = { connections: 0 };
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const path = incoming.url ?? '';
      const body = JSON.parse(Buffer.concat(chunks).toString() || '{}') as Record<string, unknown>;
      requests.push({ path, body });
      const isLoad = path === '/api/chat' && Array.isArray(body['messages']) && body['messages'].length === 0;
      say(response, all[isLoad ? 'load' : path] ?? { status: 404, body: '404 page not found' }, body);
    });
  });
  server.on('connection', (socket) => {
    state.connections++;
    socket.on('close', () => state.connections--);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  onTestFinished(close);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    replies: all,
    requests,
    get connections() {
      return state.connections;
    },
    close,
  };
}

function say(response: ServerResponse, reply: Reply, body: Record<string, unknown>): void {
  if (typeof reply === 'function') void reply(response, body);
  else if (typeof reply === 'string' || Buffer.isBuffer(reply)) response.end(reply);
  else response.writeHead(reply.status, reply.headers).end(reply.body);
}

/** Lines of a stream. */
export const lines = (...parts: unknown[]): string => parts.map((part) => `${JSON.stringify(part)}\n`).join('');

export const piece = (content: string, more: object = {}) => ({
  message: { role: 'assistant', content, ...more },
  done: false,
});

/** The last line of a stream. */
export const end = (changes: object = {}) => ({
  message: { role: 'assistant', content: '' },
  done: true,
  done_reason: 'stop',
  total_duration: 9_000_000,
  load_duration: 1_000_000,
  prompt_eval_count: 10,
  prompt_eval_duration: 2_000_000,
  eval_count: 3,
  eval_duration: 4_000_000,
  ...changes,
});
