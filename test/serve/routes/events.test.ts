import type { ServerResponse } from 'node:http';
import { Writable } from 'node:stream';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createMeter } from '../../../src/metrics/meter.ts';
import type { ApiRequest } from '../../../src/serve/http/route.ts';
import { eventsRoutes } from '../../../src/serve/routes/events.ts';
import { openServer } from '../http/open-server.ts';
import { createSmallQueue, describeBriefly } from './small-queue.ts';

interface ServerEvent {
  event: string;
  data: Record<string, unknown>;
}

/** Listens to a batch over a socket of its own, and reads one event after the other. */
async function listen(url: string, id: string) {
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  const response = await fetch(`${url}/v1/batches/${id}/events`, { signal: abort.signal });
  const parts = partsOf(response);
  return {
    response,
    abort: () => abort.abort(),
    /** The next part of the stream as it came, or null at its end. */
    part: async (): Promise<string | null> => (await parts.next()).value ?? null,
    /** The next event of a kind. */
    async event(kind: string): Promise<ServerEvent['data']> {
      for (;;) {
        const { value } = await parts.next();
        if (typeof value !== 'string') throw new Error(`the stream ended before an event ${kind}`);
        const [, event, data] = /^event: (.+)\ndata: (.+)$/.exec(value) ?? [];
        if (event === kind) return JSON.parse(data ?? '') as ServerEvent['data'];
      }
    },
  };
}

async function* partsOf({ body }: Response): AsyncGenerator<string, undefined> {
  let rest = '';
  for await (const text of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const parts = `${rest}${text}`.split('\n\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
  return undefined;
}

/** A server that never tells anything by time, but what the test speeds up. */
async function openEvents(options: { progressMs?: number; heartbeatMs?: number; maxListeners?: number } = {}) {
  const small = createSmallQueue();
  const calm = { progressMs: 1e6, heartbeatMs: 1e6 };
  const routes = eventsRoutes({ ...small, describe: describeBriefly, ...calm, ...options });
  return { ...small, ...(await openServer(routes)) };
}

const noListener = async (listeners: () => number): Promise<void> => {
  while (listeners() > 0) await new Promise((resolve) => setImmediate(resolve));
};

describe('the events of a batch', () => {
  test('are its states, once each, until it is over', async () => {
    const { url, add, change, listeners } = await openEvents();
    const { id } = add({ status: 'validating' });
    const other = add({ status: 'validating' });
    const stream = await listen(url, id);
    expect(stream.response.headers.get('content-type')).toBe('text/event-stream');
    expect(await stream.event('batch')).toMatchObject({ id, status: 'validating' });
    change(other.id, { status: 'failed' });
    change(id, { status: 'in_progress' });
    // Its counts alone are no state.
    change(id, { counts: { total: 10, completed: 4, failed: 0 } });
    change(id, { status: 'completed' });
    expect(await stream.event('batch')).toMatchObject({ status: 'in_progress' });
    expect(await stream.event('batch')).toMatchObject({ status: 'completed' });
    expect(await stream.part()).toBeNull();
    expect(listeners()).toBe(0);
  });

  test('hold its numbers while it runs, and the last ones at its end', async () => {
    const { url, add, change, setState, setSnapshot } = await openEvents({ progressMs: 1 });
    const { id } = add({ status: 'in_progress' });
    const meter = createMeter();
    setSnapshot(id, meter.snapshot());
    setState({ running: id });
    const stream = await listen(url, id);
    const progress = await stream.event('progress');
    expect(progress).toMatchObject({ title: id, final: false, done: 0, recent_rate: null });
    change(id, { status: 'completed' });
    let last = await stream.event('progress');
    while (last['final'] === false) last = await stream.event('progress');
    expect(last).toMatchObject({ title: id, final: true });
    expect(await stream.event('batch')).toMatchObject({ status: 'completed' });
  });

  test('of a batch that is over are one', async () => {
    const { url, add } = await openEvents();
    const { id } = add({ status: 'cancelled' });
    const response = await fetch(`${url}/v1/batches/${id}/events`);
    expect(await response.text()).toMatch(/^event: batch\ndata: \{.*"status":"cancelled".*\}\n\n$/);
  });

  test('have a sign of life between them', async () => {
    const { url, add } = await openEvents({ heartbeatMs: 1 });
    const stream = await listen(url, add({}).id);
    await stream.event('batch');
    expect(await stream.part()).toMatch(/^: /);
  });

  test('have none of these for a client that does not read', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const small = createSmallQueue();
    const { id } = small.add({});
    const [route] = eventsRoutes({ ...small, describe: describeBriefly });
    const written: string[] = [];
    const response = new Writable({
      highWaterMark: 1024,
      write: (chunk: Buffer) => void written.push(chunk.toString()),
    });
    const leave = new AbortController();
    const asked = { message: { method: 'GET' }, params: { id }, signal: leave.signal } as unknown as ApiRequest;
    const followed = route?.handle(asked, Object.assign(response, { writeHead() {} }) as unknown as ServerResponse);
    vi.advanceTimersByTime(3_600_000);
    const { writableLength } = response;
    expect(writableLength).toBeGreaterThanOrEqual(1024);
    vi.advanceTimersByTime(36_000_000);
    expect(response.writableLength).toBe(writableLength);
    leave.abort();
    await followed;
  });

  test('end when the client is gone, when the batch is, and when the server ends', async () => {
    const { url, add, listeners, close } = await openEvents();
    const { id } = add({});
    const gone = await listen(url, id);
    await gone.event('batch');
    expect(listeners()).toBe(1);
    gone.abort();
    await noListener(listeners);
    const stream = await listen(url, id);
    await stream.event('batch');
    await close();
    expect(await stream.part()).toBeNull();
    expect(listeners()).toBe(0);
  });

  test('are not for more clients than can listen', async () => {
    const { url, add, listeners } = await openEvents({ maxListeners: 1 });
    const { id } = add({});
    const first = await listen(url, id);
    const { response } = await listen(url, id);
    expect(response.status).toBe(503);
    first.abort();
    await noListener(listeners);
    expect((await listen(url, id)).response.status).toBe(200);
  });

  test('of no batch are 404, and HEAD listens to nothing', async () => {
    const { url, add, listeners } = await openEvents();
    expect((await fetch(`${url}/v1/batches/none/events`)).status).toBe(404);
    const head = await fetch(`${url}/v1/batches/${add({}).id}/events`, { method: 'HEAD' });
    expect([head.status, listeners()]).toEqual([200, 0]);
  });
});
