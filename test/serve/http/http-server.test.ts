import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { UsageError, JournalError } from '../../../src/core/errors.ts';
import { createDeferred } from '../../../src/async/deferred.ts';
import { ApiError } from '../../../src/serve/http/api-error.ts';
import { createAccess } from '../../../src/serve/http/access.ts';
import { createHttpServer } from '../../../src/serve/http/http-server.ts';
import { readJson } from '../../../src/serve/http/read-body.ts';
import type { Route } from '../../../src/serve/http/route.ts';
import { sendJson } from '../../../src/serve/http/send.ts';
import { connectRaw, openServer } from './open-server.ts';

const echo: Route = {
  method: 'POST',
  path: '/echo',
  handle: async (request, response) => sendJson(response, 200, { got: await readJson(request) }),
};
const things: Route = {
  method: 'GET',
  path: '/v1/things/:id',
  handle: async ({ params, query }, response) => sendJson(response, 200, { params, query: [...query] }),
};

/** A route whose handler throws. */
const throwing = (error: unknown): Route => ({
  method: 'GET',
  path: '/throw',
  async handle() {
    throw error;
  },
});

const jsonOf = async (response: Response): Promise<unknown> => response.json();

describe('a request', () => {
  test('goes to the route of its path, with what the path and the query say', async () => {
    const { url } = await openServer([things]);
    const response = await fetch(`${url}/v1/things/a%2Fb%20c?limit=2&after=x`);
    expect(await jsonOf(response)).toEqual({
      params: { id: 'a/b c' },
      query: [
        ['limit', '2'],
        ['after', 'x'],
      ],
    });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    });
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  });

  test('gives a rest of the path where the route takes one', async () => {
    const { url } = await openServer([{ ...things, path: '/v1/models/:id+' }]);
    expect(await jsonOf(await fetch(`${url}/v1/models/org/name%3A1`))).toMatchObject({ params: { id: 'org/name:1' } });
  });

  test('of HEAD is answered as GET, without a body', async () => {
    const { url } = await openServer([things]);
    const response = await fetch(`${url}/v1/things/1`, { method: 'HEAD' });
    expect([response.status, response.headers.get('content-length'), await response.text()]).toEqual([200, '32', '']);
  });

  test.each([
    ['GET', '/nothing', 404, 'there is no GET /nothing here'],
    ['GET', '/things/1', 404, 'it is /v1/things/1, so the base URL of the client must end with /v1'],
    ['GET', '/v1/things/', 404, 'there is no GET'],
    ['DELETE', '/v1/things/1', 405, 'does not take DELETE, only GET, HEAD'],
    ['OPTIONS', '/echo', 405, 'only POST'],
    ['GET', '/v1/things/%zz', 400, 'has a % that begins no character'],
  ])('%s %s is refused with %s', async (method, path, status, text) => {
    const { url } = await openServer([things, echo]);
    const response = await fetch(`${url}${path}`, { method });
    expect(response.status).toBe(status);
    expect(await jsonOf(response)).toMatchObject({ error: { message: expect.stringContaining(text), param: null } });
    expect(response.headers.get('allow')).toBe(status === 405 ? text.replace(/.*only /, '') : null);
  });

  test('that a handler refuses is answered as the handler says', async () => {
    const { url, notices } = await openServer([throwing(new ApiError(409, 'no', { code: 'c', param: 'p' }))]);
    const response = await fetch(`${url}/throw`);
    expect([response.status, await jsonOf(response)]).toEqual([
      409,
      { error: { message: 'no', type: 'invalid_request_error', param: 'p', code: 'c' } },
    ]);
    expect(notices).toEqual([]);
  });

  test('at which the server fails gets 500 without the reason, which is told', async () => {
    const { url, notices } = await openServer([throwing(new TypeError('the secret'))]);
    const response = await fetch(`${url}/throw?key=hidden`);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('secret');
    expect(notices).toEqual([{ topic: 'serve', text: 'GET /throw: unexpected TypeError: the secret' }]);
  });

  test('at which the disk is full gets 507', async () => {
    const full = Object.assign(new Error('no space'), { code: 'ENOSPC' });
    const { url, notices } = await openServer([
      throwing(new JournalError('no space left on the disk of /x', '', full)),
    ]);
    const response = await fetch(`${url}/throw`);
    expect([response.status, await jsonOf(response)]).toEqual([
      507,
      {
        error: {
          message: 'the disk of the server is full',
          type: 'server_error',
          param: null,
          code: 'insufficient_storage',
        },
      },
    ]);
    expect(notices).toHaveLength(1);
  });
});

describe('a body', () => {
  const post = (url: string, body: string | Uint8Array): Promise<Response> =>
    fetch(`${url}/echo`, { method: 'POST', body });

  test('comes in whole', async () => {
    const { url } = await openServer([echo]);
    expect(await jsonOf(await post(url, '{"a":[1,"é"]}'))).toEqual({ got: { a: [1, 'é'] } });
  });

  test.each([
    ['no JSON', '{"a":', 400],
    ['nothing', '', 400],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 400],
    ['too large', `"${'x'.repeat(1_048_576)}"`, 413],
  ])('that is %s is refused', async (_, body, status) => {
    const { url } = await openServer([echo]);
    const response = await post(url, body);
    expect([response.status, await jsonOf(response)]).toMatchObject([status, { error: {} }]);
  });

  test('that is too large is refused though it tells no length', async () => {
    const { port } = await openServer([echo]);
    const raw = await connectRaw(port, 'POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n');
    raw.send(`120000\r\n${'x'.repeat(0x120000)}\r\n`);
    expect(await raw.until('larger than 1048576 bytes')).toContain('HTTP/1.1 413');
    raw.send('0\r\n\r\n');
    await raw.closed();
  });

  test('that nobody wants is read to its end, so that its sender can read the answer', async () => {
    const { port } = await openServer([echo]);
    const size = 30_000_000;
    const raw = await connectRaw(port, `POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${size}\r\n\r\n`);
    for (let sent = 0; sent < size; sent += 1_000_000) {
      if (!raw.socket.write(Buffer.alloc(1_000_000))) await once(raw.socket, 'drain');
    }
    const answer = await raw.closed();
    expect(answer).toContain('HTTP/1.1 404');
    expect(answer).toContain('Connection: close');
    expect(answer.endsWith('}}')).toBe(true);
  });

  test('is asked for where the client waits to be asked', async () => {
    const { port } = await openServer([echo]);
    const head = 'HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n';
    const raw = await connectRaw(port, `POST /echo ${head}`);
    expect(await raw.until('\r\n\r\n')).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    raw.send('{}');
    await raw.until('{"got":{}}');
    const refused = await connectRaw(port, `POST /nothing ${head}`);
    expect(await refused.until('}}')).toMatch(/^HTTP\/1.1 404/);
  });

  test('that does not come is not waited for', async () => {
    const { port } = await openServer([echo], { times: { silenceMs: 50 } });
    const raw = await connectRaw(port, 'POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{');
    expect(await raw.closed()).toBe('');
  });
});

describe('rubbish', () => {
  test.each([
    ['no HTTP', 'hello\r\n\r\n', 400],
    ['two lengths', 'POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} ', 400],
    [
      'a length and chunks',
      'POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
    ],
    ['chunks of no size', 'POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 400],
    ['a huge header', `GET /echo HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['many headers', `GET /echo HTTP/1.1\r\nHost: localhost\r\n${'X: y\r\n'.repeat(101)}\r\n`, 431],
    ['an unknown expectation', 'GET /echo HTTP/1.1\r\nHost: localhost\r\nExpect: money\r\n\r\n', 417],
    ['a target without a path', 'GET nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
  ])('is refused: %s', async (_, bytes, status) => {
    const { port, notices } = await openServer([echo, things]);
    const raw = await connectRaw(port, bytes);
    expect(await raw.until('}}')).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(notices).toEqual([]);
  });

  test('that comes slowly is cut', async () => {
    const { port } = await openServer([echo], { times: { headersMs: 50 } });
    const raw = await connectRaw(port, 'GET /echo HTTP/1.1\r\nHost: loc');
    expect(await raw.closed()).toContain('HTTP/1.1 408 Request Timeout');
  });

  test('behind a good request does not spoil its answer', async () => {
    const { port } = await openServer([things]);
    const raw = await connectRaw(port, 'GET /v1/things/1 HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await raw.until('"query":[]}');
    raw.send('rubbish\r\n\r\n');
    expect(await raw.closed()).toContain('HTTP/1.1 400');
  });

  test('does not stop a request that comes in pieces', async () => {
    const { port } = await openServer([things]);
    const raw = await connectRaw(port);
    raw.socket.setNoDelay(true);
    for (const byte of 'GET http://localhost/v1/things/1?a=b HTTP/1.1\r\nHost: localhost\r\n\r\n') {
      raw.send(byte);
      await new Promise(setImmediate);
    }
    await raw.until('"query":[["a","b"]]}');
  });
});

describe('the end of a client', () => {
  test('aborts the signal', async () => {
    const aborted = createDeferred<void>();
    const begun = createDeferred<void>();
    const waiting: Route = {
      ...things,
      async handle({ signal }) {
        signal.addEventListener('abort', () => aborted.resolve());
        begun.resolve();
        await aborted.promise;
        throw new Error('gone');
      },
    };
    const { port, notices } = await openServer([waiting]);
    const raw = await connectRaw(port, 'GET /v1/things/1 HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await begun.promise;
    raw.socket.destroy();
    await aborted.promise;
    expect(notices).toEqual([]);
  });
});

describe('the end of the server', () => {
  test('lets an answer end, and closes what is idle', async () => {
    const begun = createDeferred<void>();
    const goOn = createDeferred<void>();
    const slow: Route = {
      ...things,
      async handle({ signal }, response) {
        begun.resolve();
        await goOn.promise;
        sendJson(response, 200, { aborted: signal.aborted });
      },
    };
    const { port, url, close } = await openServer([slow], { times: { closeMs: 60_000 } });
    const idle = await connectRaw(port);
    const raw = await connectRaw(port, 'GET /v1/things/1 HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await begun.promise;
    const closed = close();
    await idle.closed();
    await expect(fetch(url)).rejects.toThrow('fetch failed');
    goOn.resolve();
    await closed;
    expect(await raw.closed()).toContain('{"aborted":true}');
  });

  test('breaks off an answer that does not end', async () => {
    const begun = createDeferred<void>();
    const hanging: Route = {
      ...things,
      handle() {
        begun.resolve();
        return new Promise(() => {});
      },
    };
    const { port, close } = await openServer([hanging], { times: { closeMs: 20 } });
    const raw = await connectRaw(port, 'GET /v1/things/1 HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await begun.promise;
    await close();
    expect(await raw.closed()).toBe('');
  });
});

test('a port in use is a UsageError', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void other.close());
  const { port } = other.address() as AddressInfo;
  const opening = createHttpServer({
    host: '127.0.0.1',
    port,
    access: createAccess({ apiKey: null, port }),
    routes: [],
    notify: () => {},
  });
  await expect(opening).rejects.toThrow(UsageError);
  await expect(opening).rejects.toThrow(`127.0.0.1:${port} is in use by another program`);
});
