import { describe, expect, test, vi } from 'vitest';
import { type Route } from '../../../src/serve/http/route.ts';
import { sendJson } from '../../../src/serve/http/send.ts';
import { connectRaw, openServer } from './open-server.ts';

const route = (method: Route['method'], path: string, isOpen?: true): Route => ({
  method,
  path,
  ...(isOpen === undefined ? {} : { isOpen }),
  handle: async (_, response) => sendJson(response, 200, 'in'),
});
const routes = [route('GET', '/', true), route('GET', '/v1/x'), route('POST', '/v1/x')];

const apiKey = 'a-key-of-some-length';

/** The status line of a request with these headers, of which there is no other one. */
async function statusOf(port: number, request: string, ...headers: string[]): Promise<number> {
  const raw = await connectRaw(port, `${request} HTTP/1.1\r\n${headers.map((header) => `${header}\r\n`).join('')}\r\n`);
  const answer = await raw.until('\r\n\r\n');
  raw.socket.destroy();
  return Number(/^HTTP\/1.1 (\d+)/.exec(answer)?.[1]);
}

describe('the name that a server on loopback is called by', () => {
  test.each([
    ['localhost', 200],
    ['LOCALHOST:4080', 200],
    ['127.0.0.1:80', 200],
    ['127.8.8.8', 200],
    ['[::1]:4080', 200],
    ['evil.example', 403],
    ['localhost.evil.example', 403],
    ['127.0.0.1.evil.example', 403],
    ['evil.example@localhost', 400],
    ['localhost/evil', 400],
    ['', 400],
    ['0.0.0.0', 403],
  ])('%s: %i', async (host, status) => {
    const { port } = await openServer(routes);
    expect(await statusOf(port, 'GET /v1/x', `Host: ${host}`)).toBe(status);
    expect(await statusOf(port, 'GET /', `Host: ${host}`)).toBe(status);
  });

  test('is there once', async () => {
    const { port } = await openServer(routes);
    expect(await statusOf(port, 'GET /v1/x')).toBe(400);
    expect(await statusOf(port, 'GET /v1/x', 'Host: localhost', 'Host: localhost')).toBe(400);
    expect(await statusOf(port, 'GET http://evil.example/v1/x', 'Host: localhost')).toBe(200);
  });

  test('may be any beyond loopback, where the key guards', async () => {
    const { port } = await openServer(routes, { host: '0.0.0.0', apiKey });
    expect(await statusOf(port, 'GET /v1/x', 'Host: gpu.example', `Authorization: Bearer ${apiKey}`)).toBe(200);
    expect(await statusOf(port, 'GET /v1/x', 'Host: gpu.example')).toBe(401);
  });
});

describe('a page', () => {
  const navigation = ['Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document'];
  test.each([
    ['of the server', ['Origin: http://localhost:4080', 'Sec-Fetch-Site: same-origin'], 200, 200],
    ['that somebody opened', ['Sec-Fetch-Site: none', ...navigation], 200, 200],
    ['of another site', ['Origin: http://evil.example', 'Sec-Fetch-Site: cross-site'], 403, 403],
    ['of an old browser', ['Origin: http://evil.example'], 403, 403],
    ['that hides its origin', ['Origin: null'], 403, 403],
    ['of another port', ['Origin: http://localhost:3000', 'Sec-Fetch-Site: same-site'], 403, 403],
    [
      'with an image of it',
      ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: no-cors', 'Sec-Fetch-Dest: image'],
      403,
      403,
    ],
    ['with a link to it', ['Sec-Fetch-Site: cross-site', ...navigation], 200, 403],
    [
      'with a frame of it',
      ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: iframe'],
      403,
      403,
    ],
  ])('%s', async (_, headers, atPage, elsewhere) => {
    const { port } = await openServer(routes);
    expect(await statusOf(port, 'GET /', 'Host: localhost:4080', ...headers)).toBe(atPage);
    expect(await statusOf(port, 'GET /v1/x', 'Host: localhost:4080', ...headers)).toBe(elsewhere);
    expect(await statusOf(port, 'POST /v1/x', 'Host: localhost:4080', 'Content-Length: 0', ...headers)).toBe(elsewhere);
  });
});

describe('a key', () => {
  const ask = (url: string, headers: Record<string, string>): Promise<Response> => fetch(`${url}/v1/x`, { headers });

  test('is asked for, but not for what is open', async () => {
    const { url, notices } = await openServer(routes, { apiKey });
    expect((await fetch(url)).status).toBe(200);
    const missing = await ask(url, {});
    expect([missing.status, missing.headers.get('www-authenticate'), await missing.json()]).toEqual([
      401,
      'Bearer',
      {
        error: {
          message: "an API key is needed: send the server's LLMBATCH_API_KEY as a bearer token",
          type: 'authentication_error',
          param: null,
          code: 'invalid_api_key',
        },
      },
    ]);
    expect((await ask(url, { Authorization: `Bearer ${apiKey}` })).status).toBe(200);
    expect((await ask(url, { Authorization: `bearer  ${apiKey}` })).status).toBe(200);
    expect(notices).toEqual([]);
  });

  test.each([
    `Bearer ${apiKey}x`,
    `Bearer ${apiKey.slice(1)}`,
    'Bearer',
    `Basic ${apiKey}`,
    apiKey,
    `Bearer ${apiKey} x`,
  ])('is wrong: %s', async (Authorization) => {
    const { url } = await openServer(routes, { apiKey });
    const response = await ask(url, { Authorization });
    expect([response.status, await response.text()]).toEqual([401, expect.stringContaining('the API key is wrong')]);
  });

  test('is ignored where none is set', async () => {
    const { url } = await openServer(routes);
    expect((await ask(url, { Authorization: 'Bearer anything' })).status).toBe(200);
  });
});

describe('a login', () => {
  const post = (url: string, path: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${url}${path}`, {
      method: 'POST',
      body,
      redirect: 'manual',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
    });
  const cookieIn = (response: Response): string => response.headers.get('set-cookie')?.split(';')[0] ?? '';

  test('lets a browser in until it logs out, and never hands it the key', async () => {
    const { url } = await openServer(routes, { apiKey });
    const login = await post(url, '/login', `key=${apiKey}`);
    expect([login.status, login.headers.get('location')]).toEqual([303, '/']);
    expect(login.headers.get('set-cookie')).toMatch(
      /^llmbatch_session_0=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=86400$/,
    );
    const Cookie = `other=1; ${cookieIn(login)}`;
    expect((await fetch(`${url}/v1/x`, { headers: { Cookie } })).status).toBe(200);
    expect((await fetch(`${url}/v1/x`, { headers: { Cookie: `${Cookie}x` } })).status).toBe(401);
    expect((await post(url, '/v1/x', '', { Cookie, Origin: 'http://evil.example' })).status).toBe(403);
    const logout = await post(url, '/logout', '', { Cookie });
    expect(logout.headers.get('set-cookie')).toContain('Max-Age=0');
    expect((await fetch(`${url}/v1/x`, { headers: { Cookie } })).status).toBe(401);
  });

  test('fails with a wrong key, after a while, and many of them are not even looked at', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    try {
      const { url } = await openServer(routes, { apiKey });
      const tries = Array.from({ length: 6 }, () => post(url, '/login', 'key=wrong'));
      // The last one to come is answered at once, the others when their second is over.
      const unseen = await Promise.any(tries);
      expect(unseen.status).toBe(429);
      const refused = await post(url, '/login', `key=${apiKey}`);
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5']);
      await vi.advanceTimersByTimeAsync(1000);
      for (const response of (await Promise.all(tries)).filter((each) => each !== unseen)) {
        expect([response.status, response.headers.get('location'), response.headers.get('set-cookie')]).toEqual([
          303,
          '/?login=wrong',
          null,
        ]);
      }
      expect((await post(url, '/login', `key=${apiKey}`)).status).toBe(303);
    } finally {
      vi.useRealTimers();
    }
  });

  test('of the 101st browser ends the first one', async () => {
    const { url, access } = await openServer(routes, { apiKey });
    const cookies = Array.from({ length: 101 }, () => access.logIn(apiKey)?.split(';')[0] ?? '');
    const statusWith = async (Cookie: string): Promise<number> =>
      (await fetch(`${url}/v1/x`, { headers: { Cookie } })).status;
    expect([await statusWith(cookies[0] ?? ''), await statusWith(cookies[1] ?? '')]).toEqual([401, 200]);
  });
});
