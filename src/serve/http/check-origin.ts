import type { IncomingMessage } from 'node:http';
import { isLoopback } from '../../machine/is-loopback.ts';
import { ApiError } from './api-error.ts';

/**
 * Refuses what another site makes a browser send, by an `ApiError` 403.
 *
 * - A name that leads here though it is not this machine's (DNS rebinding): a server that listens on loopback takes only a
 *   loopback name or the name that it listens on. Beyond loopback the key guards.
 * - A page of another site, which a browser names in `Origin` and `Sec-Fetch-Site`. A link to an open page may be followed.
 */
export function checkOrigin(message: IncomingMessage, listenHost: string, isOpen: boolean): void {
  const { host, hostname } = hostOf(message);
  if (isLoopback(listenHost) && !isLoopback(hostname) && hostname !== listenHost.toLowerCase()) {
    throw new ApiError(403, `this server is not ${hostname}: it accepts requests only for localhost`, {
      code: 'wrong_host',
    });
  }
  if (!isOwnOrigin(message, host) || (isOfOtherSite(message) && !(isOpen && isNavigation(message)))) {
    throw new ApiError(403, 'a page of another site may not use this server', { code: 'cross_site' });
  }
}

function hostOf(message: IncomingMessage): URL {
  const hosts = message.headersDistinct['host'] ?? [];
  const address = `http://${hosts[0]}`;
  // A name with a path or a user in it would be read as something else than what stands there.
  if (hosts.length !== 1 || !/^[\w.:[\]-]+$/.test(hosts[0] ?? '') || !URL.canParse(address)) {
    throw new ApiError(400, 'the request needs one Host header', { code: 'wrong_host' });
  }
  return new URL(address);
}

/** A page that hides its origin sends `null`. A proxy may have taken the TLS away, so that the scheme says nothing. */
function isOwnOrigin({ headers: { origin } }: IncomingMessage, host: string): boolean {
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === host);
}

/** Another port of this machine is `same-site`, and another program. */
function isOfOtherSite({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  return site !== undefined && site !== 'none' && site !== 'same-origin';
}

/** A whole page that somebody goes to, and no frame within another one. */
const isNavigation = ({ method, headers }: IncomingMessage): boolean =>
  method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
