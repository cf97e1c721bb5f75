import type { Dispatcher } from 'undici';

const restBytes = 65_536;
const restMs = 1000;

/** Lets go of a body at once, and of its connection: a server that makes an answer stops. */
export function dropBody(body: Dispatcher.ResponseData['body']): void {
  body.on('error', () => {});
  body.destroy();
}

/**
 * Lets go of what is left of a body. A little is read, so that the connection can be used again; more than that, or a
 * server that does not end it, costs the connection.
 */
export function freeBody(body: Dispatcher.ResponseData['body']): void {
  if (body.closed || body.destroyed) return;
  const end = (): void => void body.destroy();
  const timer = setTimeout(end, restMs).unref();
  let left = restBytes;
  body.on('error', () => {});
  body.on('close', () => clearTimeout(timer));
  body.on('data', (chunk: Uint8Array) => {
    left -= chunk.length;
    if (left < 0) end();
  });
}
