import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** One request and its answer. */
export interface Exchange {
  message: IncomingMessage;
  response: ServerResponse;
}

/** The connections of a server, and what each of them is in the middle of. */
export interface Connections {
  /** Notes a request until its answer is over. The signal is aborted when the client is gone, and when the server begins to end. */
  begin: (exchange: Exchange) => AbortSignal;
  /** The answer that a connection waits for, or null. */
  answerOn: (socket: Socket) => ServerResponse | null;
  /** Ends the connections that wait for nothing at once, each other one with its answer, and what is left after `maxMs` milliseconds. */
  close: (maxMs: number) => Promise<void>;
}

export function watchConnections(server: Server): Connections {
  /** Null: no answer is under way. */
  const current = new Map<Socket, ServerResponse | null>();
  const live = new Set<AbortController>();
  let isEnding = false;

  server.on('connection', (socket) => {
    current.set(socket, null);
    socket.on('close', () => current.delete(socket));
  });

  return {
    begin({ message: { socket }, response }) {
      const gone = new AbortController();
      current.set(socket, response);
      live.add(gone);
      response.on('close', () => {
        live.delete(gone);
        gone.abort();
        if (current.get(socket) !== response) return;
        current.set(socket, null);
        if (isEnding) socket.end();
      });
      if (isEnding) gone.abort();
      return gone.signal;
    },
    answerOn: (socket) => current.get(socket) ?? null,
    async close(maxMs) {
      isEnding = true;
      const ended = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const gone of live) gone.abort();
      for (const [socket, response] of current) {
        if (response === null) socket.destroy();
      }
      const late = setTimeout(() => server.closeAllConnections(), maxMs);
      await ended;
      clearTimeout(late);
    },
  };
}
