import { once } from 'node:events';
import { type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** How a server answers a request that was read. */
export type Reply = (response: ServerResponse, body: Record<string, unknown>) => void | Promise<void>;

export interface ScriptedOpenai {
  url: string;
  /** May be changed at any time. */
  reply: Reply;
  /** Requests for answers. */
  readonly requests: Record<string, unknown>[];
  /** Connections that are open. */
  readonly connections: number;
}

/** A server that lists one model, `tiny-scorer`, and answers exactly what a test gives it. */
export async function startScriptedOpenai(reply: Reply): Promise<ScriptedOpenai> {
  const state = { connections: 0 };
  const scripted: ScriptedOpenai = {
    url: '',
    reply,
    requests: [],
    get connections() {
      return state.connections;
    },
  };
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      if (incoming.url === '/v1/models') return response.end('{"data":[{"id":"tiny-scorer"}]}');
      if (incoming.method !== 'POST') return response.writeHead(404).end();
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
      scripted.requests.push(body);
      return void scripted.reply(response, body);
    });
  });
  server.on('connection', (socket) => {
    state.connections++;
    socket.on('close', () => state.connections--);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  scripted.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  return scripted;
}

/** A whole answer. */
export const whole = (content: string, changes: object = {}): object => ({
  object: 'chat.completion',
  model: 'tiny-scorer',
  choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, completion_tokens: 2 },
  ...changes,
});

/** The same as the events of a stream, with its end. */
export const events = (...parts: unknown[]): string =>
  [...parts.map((part) => JSON.stringify(part)), '[DONE]'].map((data) => `data: ${data}\n\n`).join('');

export const delta = (content: string, reason: string | null = null): object => ({
  object: 'chat.completion.chunk',
  model: 'tiny-scorer',
  choices: [{ index: 0, delta: { content }, finish_reason: reason }],
});
