import { getEventListeners, once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { Agent } from 'undici';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createClient } from '../../../../src/backends/ollama/http/client.ts';
import { classifyError } from '../../../../src/backends/ollama/http/classify-error.ts';
import { answerText } from '../../../../src/core/completion.ts';
import { candidate, chat } from '../../candidates.ts';
import { completed, context } from '../../conformance.ts';
import { expectSilence } from '../expect-silence.ts';
import { clientOf, never, openOn, promised, rejectionOf, startFake } from '../open-ollama-for-test.ts';
import { end, lines, piece, startScripted } from '../scripted-server.ts';
import { waitFor } from '../../../helpers/wait.ts';

const agents = vi.hoisted(() => [] as Agent.Options[]);
vi.mock('undici', async (original) => {
  const undici = await original<typeof import('undici')>();
  class NotedAgent extends undici.Agent {
    constructor(options: Agent.Options = {}) {
      super(options);
      agents.push(options);
    }
  }
  return { ...undici, Agent: NotedAgent };
});

expectSilence();

const hello = chat([{ role: 'user', content: 'hello' }]);

describe('a request that is aborted', () => {
  test('gives its slot to the next one at once, and rejects with the reason', async () => {
    const server = await startFake();
    const backend = await openOn(server);
    server.faults = ({ text }) => (text.includes('hello') ? 'stall' : null);
    const [stalled, reason] = [new AbortController(), new Error('enough')];
    const begun = promised();
    const first = backend.generate(hello, context({ signal: stalled.signal, onFirstToken: begun.keep }));
    await begun.promise;
    const second = backend.generate(candidate(0).request, context());
    stalled.abort(reason);
    expect(await rejectionOf(first)).toBe(reason);
    expect(answerText(completed(await second).body)).toBe(candidate(0).answer);
    expect(server).toMatchObject({ aborted: 1, maxInFlight: 1, loads: 1 });
  });

  test('leaves the queue of the server while it waits', async () => {
    const server = await startFake();
    const backend = await openOn(server);
    server.faults = ({ text }) => (text.includes('hello') ? 'stall' : null);
    const [stalled, waiting] = [new AbortController(), new AbortController()];
    const begun = promised();
    const first = backend.generate(hello, context({ signal: stalled.signal, onFirstToken: begun.keep }));
    await begun.promise;
    const second = backend.generate(candidate(0).request, context({ signal: waiting.signal }));
    await waitFor(() => expect(server.maxWaiting).toBe(1));
    waiting.abort('not wanted');
    expect(await rejectionOf(second)).toBe('not wanted');
    await waitFor(() => expect(server.aborted).toBe(1));
    stalled.abort('enough');
    expect(await rejectionOf(first)).toBe('enough');
    const third = completed(await backend.generate(candidate(1).request, context()));
    expect(answerText(third.body)).toBe(candidate(1).answer);
  });

  test('leaves nothing at its signal when it is answered', async () => {
    const server = await startFake();
    const backend = await openOn(server);
    const { signal } = new AbortController();
    completed(await backend.generate(hello, context({ signal })));
    await waitFor(() => expect(getEventListeners(signal, 'abort')).toEqual([]));
  });

  test('is aborted in the middle of a failure’s body, too', async () => {
    const begun = promised();
    const server = await startScripted();
    const backend = await openOn(server);
    server.replies['/api/chat'] = (response) =>
      void response.writeHead(500).write('{"error":"endl', () => begun.keep());
    const controller = new AbortController();
    const asked = rejectionOf(backend.generate(hello, context({ signal: controller.signal })));
    await begun.promise;
    controller.abort('enough');
    expect(await asked).toBe('enough');
  });
});

describe('connections', () => {
  test('are all gone when the backend is closed', async () => {
    const server = await startScripted({ '/api/chat': lines(piece('hi'), end()) });
    const backend = await openOn(server);
    await Promise.all(Array.from({ length: 8 }, () => backend.generate(hello, context())));
    expect(server.connections).toBeGreaterThan(0);
    await backend.close();
    await waitFor(() => expect(server.connections).toBe(0));
  });

  test('are gone where opening fails', async () => {
    const server = await startScripted({ '/api/show': { status: 404, body: `{"error":"model 'x' not found"}` } });
    await rejectionOf(openOn(server));
    await waitFor(() => expect(server.connections).toBe(0));
  });

  test('are used again, also after failures', async () => {
    const server = await startScripted({ '/api/chat': lines(piece('hi'), end()) });
    const backend = await openOn(server);
    const counts: number[] = [];
    for (const reply of [{ status: 500, body: '{"error":"x"}' }, lines(piece('hi'), end())]) {
      server.replies['/api/chat'] = reply;
      for (let time = 0; time < 5; time++) {
        await backend.generate(hello, context());
        counts.push(server.connections);
      }
    }
    // The end of an answer may still be on its way when the next request goes.
    expect(Math.max(...counts)).toBeLessThanOrEqual(2);
  });

  test('are as many as there are requests, whatever was thought at first', async () => {
    const server = await startFake({ slots: 40 });
    const backend = await openOn(server, { options: { num_ctx: 1024, slots: 40 } });
    server.faults = ({ path }) => (path === '/api/chat' ? 'stall' : null);
    const controllers = Array.from({ length: 40 }, () => new AbortController());
    const asked = controllers.map(({ signal }, index) =>
      rejectionOf(backend.generate(candidate(index).request, context({ signal }))),
    );
    await waitFor(() => expect(server.maxInFlight).toBe(40));
    for (const controller of controllers) controller.abort();
    await Promise.all(asked);
  });

  test('wait for the first byte, and for the next, for as long as it takes', async () => {
    agents.length = 0;
    clientOf({ url: 'http://127.0.0.1:9' });
    expect(agents).toMatchObject([{ headersTimeout: 0, bodyTimeout: 0 }]);
  });
});

describe('the wish of a server to wait', () => {
  test.each([
    ['1', 1000],
    ['0', 0],
    ['2.5', 2500],
    ['-3', 0],
    ['Sun, 22 Nov 2026 06:01:00 GMT', 60_000],
    ['Wed, 21 Oct 2015 07:28:00 GMT', 0],
    ['soon', null],
    ['', null],
    [undefined, null],
  ])('is read from Retry-After: %j', async (header, waitMs) => {
    vi.setSystemTime('2026-11-22T06:00:00Z');
    onTestFinished(() => void vi.useRealTimers());
    const headers: Record<string, string> = header === undefined ? {} : { 'Retry-After': header };
    const server = await startScripted({ '/api/ps': { status: 429, body: '{"error":"x"}', headers } });
    expect(await rejectionOf(clientOf(server).ps(never))).toMatchObject({ status: 429, retryAfterMs: waitMs });
  });
});

test('what is no HTTP is a connection that breaks', async () => {
  const server = createServer((socket) => void socket.end('SSH-2.0-OpenSSH_9.6\r\n'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  expect(classifyError(await rejectionOf(clientOf({ url }).ps(never))).kind).toBe('connection');
});

test('TLS where there is none is not waited for', async () => {
  const { url } = await startScripted();
  const error = await rejectionOf(clientOf({ url: url.replace('http', 'https') }).ps(never));
  expect(['unusable', 'connection']).toContain(classifyError(error).kind);
});

test('the key goes with every call to a server elsewhere, and is in no message', async () => {
  const headers: unknown[] = [];
  const server = await startScripted({
    '/api/ps': (response) => {
      headers.push(response.req.headers.authorization);
      response.writeHead(401).end();
    },
  });
  const client = createClient({ url: server.url, isLocal: false, key: 'hush' }, 1);
  onTestFinished(() => client.close());
  const error = await rejectionOf(client.ps(never));
  expect(headers).toEqual(['Bearer hush']);
  expect(JSON.stringify([classifyError(error), String(error)])).not.toContain('hush');
  expect(classifyError(error).kind).toBe('unauthorized');
});
