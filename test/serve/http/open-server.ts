import { type Socket, connect } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Notice } from '../../../src/core/events.ts';
import { type Access, createAccess } from '../../../src/serve/http/access.ts';
import { type HttpTimes, createHttpServer } from '../../../src/serve/http/http-server.ts';
import { loginRoutes } from '../../../src/serve/http/login.ts';
import type { Route } from '../../../src/serve/http/route.ts';

export interface OpenServer {
  url: string;
  port: number;
  access: Access;
  notices: Notice[];
  close: () => Promise<void>;
}

/** A server on a free port, closed when the test has finished. */
export async function openServer(
  routes: Route[],
  {
    apiKey = null,
    host = '127.0.0.1',
    times = {},
  }: { apiKey?: string | null; host?: string; times?: Partial<HttpTimes> } = {},
): Promise<OpenServer> {
  const notices: Notice[] = [];
  const access = createAccess({ apiKey, port: 0 });
  const server = await createHttpServer({
    host,
    port: 0,
    access,
    routes: [...routes, ...loginRoutes(access)],
    notify: (notice) => notices.push(notice),
    times: { closeMs: 200, ...times },
  });
  onTestFinished(() => server.close());
  return { url: server.url, port: Number(new URL(server.url).port), access, notices, close: server.close };
}

/** A bare connection: what is sent byte by byte, and all that comes back. */
export interface RawConnection {
  socket: Socket;
  send: (text: string | Buffer) => void;
  /** Resolves as soon as what has come contains the text, and to all of it. */
  until: (text: string) => Promise<string>;
  /** Resolves to all that came, once the server has ended the connection. */
  closed: () => Promise<string>;
}

export async function connectRaw(port: number, first = ''): Promise<RawConnection> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
  socket.on('error', () => {});
  const ended = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  await new Promise((resolve) => socket.once('connect', resolve));
  if (first !== '') socket.write(first);
  return {
    socket,
    send: (text) => void socket.write(text),
    until: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (received.includes(text)) resolve(received);
        };
        socket.on('data', look);
        socket.on('close', () => reject(new Error(`closed after ${JSON.stringify(received)}`)));
        look();
      }),
    closed: async () => {
      await ended;
      return received;
    },
  };
}
