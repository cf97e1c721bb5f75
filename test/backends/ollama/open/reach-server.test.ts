import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { reachServer } from '../../../../src/backends/ollama/open/reach-server.ts';
import { expectSilence } from '../expect-silence.ts';
import { clientOf, never, rejectionOf, startFake } from '../open-ollama-for-test.ts';
import { type Reply, startScripted } from '../scripted-server.ts';

expectSilence();

function reach(server: { url: string }, changes: { maxMs?: number; signal?: AbortSignal } = {}) {
  const notices: string[] = [];
  let onNotice = (_text: string): void => {};
  const noticed = new Promise<string>((resolve) => {
    onNotice = resolve;
  });
  const reached = reachServer(clientOf(server), {
    signal: never,
    maxMs: 60_000,
    onNotice(text) {
      notices.push(text);
      onNotice(text);
    },
    ...changes,
  });
  return { reached, notices, noticed };
}

describe('a server that answers', () => {
  test('is reached at once, without a word', async () => {
    const { reached, notices } = reach(await startFake({ version: '0.34.1-rc2' }));
    expect(await reached).toEqual({ found: '0.34.1-rc2', awayMs: null, wasGone: false });
    expect(notices).toEqual([]);
  });

  test('is waited for while it starts', async () => {
    const server = await startFake();
    await server.stop();
    const { reached, notices, noticed } = reach(server);
    expect(await noticed).toBe(`no Ollama server answers at ${server.url}: waiting for it, at most 1m 00s`);
    await server.start();
    expect((await reached).awayMs).toBeGreaterThan(0);
    expect(notices).toHaveLength(2);
    expect(notices[1]).toMatch(/^the Ollama server answers, after /);
  });

  test.each([
    [{ status: 503, body: 'starting' }],
    [{ status: 502, body: '<html>' }],
    [{ status: 500 }],
    [{ status: 429 }],
  ])('is waited for behind a proxy that says %j', async (reply) => {
    const server = await startScripted({ '/api/version': reply });
    const { reached, noticed } = reach(server);
    await noticed;
    server.replies['/api/version'] = '{"version":"0.34.0"}';
    expect(await reached).toMatchObject({ found: '0.34.0' });
  });
});

describe('a server that does not answer', () => {
  test('is given up, with what to start', async () => {
    const server = await startFake();
    await server.stop();
    expect(await rejectionOf(reach(server, { maxMs: 0 }).reached)).toMatchObject({
      name: 'EngineError',
      kind: 'unusable',
      message: expect.stringContaining(`no Ollama server answered at ${server.url}`) as string,
      hint: 'Start it with: ollama serve. Another place is named with --host or OLLAMA_HOST.',
    });
  });

  test('is no longer waited for when the run stops', async () => {
    const server = await startFake();
    await server.stop();
    const controller = new AbortController();
    const { reached, noticed } = reach(server, { signal: controller.signal });
    await noticed;
    const reason = new Error('stopped');
    controller.abort(reason);
    expect(await rejectionOf(reached)).toBe(reason);
  });
});

test.each<[string, Reply, string]>([
  ['a page', '<html><body>Welcome to nginx!</body></html>', 'unusable'],
  ['another API', '{"object":"list","data":[]}', 'unusable'],
  ['a version that is no text', '{"version":5}', 'unusable'],
  ['null', 'null', 'unusable'],
  ['nothing', '', 'unusable'],
  ['404', { status: 404, body: '{"detail":"Not Found"}' }, 'unusable'],
  ['405', { status: 405, body: '405 method not allowed' }, 'unusable'],
  ['a redirection', { status: 301, headers: { location: 'https://example.com/' } }, 'unusable'],
  ['no content', { status: 204 }, 'unusable'],
  ['HTTP to HTTPS', { status: 400, body: 'Client sent an HTTP request to an HTTPS server.' }, 'unusable'],
  ['401', { status: 401, body: '{"error":"unauthorized"}' }, 'unauthorized'],
  ['403', { status: 403 }, 'unauthorized'],
])('what answers with %s is not waited for', async (_, reply, kind) => {
  const server = await startScripted({ '/api/version': reply });
  const { reached, notices } = reach(server);
  expect(await rejectionOf(reached)).toMatchObject({
    name: 'EngineError',
    kind,
    hint: 'Another place is named with --host or OLLAMA_HOST.',
  });
  expect(server.requests).toHaveLength(1);
  expect(notices).toEqual([]);
});

test('a server that takes the connection and says nothing is waited for no longer than any other', async () => {
  const silent = createServer(() => {});
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  onTestFinished(() => void silent.close());
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const waiting = { signal: never, onNotice: () => {}, maxMs: 100 };
  expect(await rejectionOf(reachServer(clientOf({ url }), waiting))).toMatchObject({
    kind: 'unusable',
    message: expect.stringMatching(/answers too slowly: .*It accepts the connection, but does not answer\./) as string,
  });
});
