import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Who is let in: whoever has the key, as a bearer token or by a session that began with it. */
export interface Access {
  /** Says whether a request has the key or a session. True for all where no key is set. */
  isLetIn: (message: IncomingMessage) => boolean;
  /** Says whether a request is of a browser that is logged in. */
  isLoggedIn: (message: IncomingMessage) => boolean;
  /** Begins a session. Gives the `Set-Cookie` of the browser that it is for, or null where the key is wrong. */
  logIn: (key: string) => string | null;
  /** Ends the session of a request. Gives the `Set-Cookie` that takes it out of the browser. */
  logOut: (message: IncomingMessage) => string;
}

/** Browsers that are logged in at the same time: the one that logged in first is logged out for one more. */
const maxSessions = 100;
/** One day, in milliseconds. */
const sessionMs = 86_400_000;

/**
 * Checks the key of a server and keeps the sessions of its page, in memory alone: a restart logs everybody out. A session is a
 * random token, so that the key lies in no browser. Cookies know no ports, so the cookie's name has the port in it: two
 * servers of one machine would overwrite each other's. With `apiKey` null nobody is asked for anything.
 */
export function createAccess({ apiKey, port }: { apiKey: string | null; port: number }): Access {
  const cookieName = `llmbatch_session_${port}`;
  const keyHash = apiKey === null ? null : hashOf(apiKey);
  /** When each session ends, by the hash of its token, the oldest first. */
  const sessions = new Map<string, number>();

  const isKey = (text: string): boolean => keyHash === null || timingSafeEqual(hashOf(text), keyHash);

  function isLoggedIn(message: IncomingMessage): boolean {
    const token = cookieOf(message, cookieName);
    return token !== null && (sessions.get(sessionId(token)) ?? 0) > performance.now();
  }

  return {
    isLetIn(message) {
      const token = /^bearer +(.*)$/i.exec(message.headers.authorization ?? '')?.[1];
      return keyHash === null || (token !== undefined && isKey(token.trim())) || isLoggedIn(message);
    },
    isLoggedIn,
    logIn(key) {
      if (!isKey(key)) return null;
      const token = randomBytes(32).toString('base64url');
      sessions.set(sessionId(token), performance.now() + sessionMs);
      for (const oldest of sessions.keys()) {
        if (sessions.size > maxSessions) sessions.delete(oldest);
      }
      return `${cookieName}=${token}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${sessionMs / 1000}`;
    },
    logOut(message) {
      sessions.delete(sessionId(cookieOf(message, cookieName) ?? ''));
      return `${cookieName}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0`;
    },
  };
}

/** Hashes have one length, and the time to compare them says nothing of the texts. */
const hashOf = (text: string): Buffer => createHash('sha256').update(text).digest();

const sessionId = (token: string): string => hashOf(token).toString('hex');

function cookieOf({ headers: { cookie = '' } }: IncomingMessage, name: string): string | null {
  const found = cookie.split(';').find((part) => part.trim().startsWith(`${name}=`));
  return found === undefined ? null : found.trim().slice(name.length + 1);
}
