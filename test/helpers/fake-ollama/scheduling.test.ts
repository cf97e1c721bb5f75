import { describe, expect, test } from 'vitest';
import { type Asked, ask, contentOf, longQuestion, question, startAsking } from './ask.ts';
import type { JsonObject } from './json.ts';
import { startForTest } from './start-for-test.ts';
import { waitUntil } from '../wait.ts';

async function loadedContext(url: string): Promise<unknown[]> {
  const response = await fetch(`${url}/api/ps`);
  return ((await response.json()) as { models: JsonObject[] }).models.map((model) => model['context_length']);
}

/** How many answers began before the first one ended. */
function countSlots(asked: Asked[]): number {
  const firstEnd = Math.min(...asked.map(({ startMs, endMs }) => startMs + endMs));
  return asked.filter(({ startMs, headersMs }) => startMs + headersMs < firstEnd).length;
}

describe('slots', () => {
  test('as many answers begin before the first one ends as there are slots', async () => {
    const server = await startForTest({ slots: 3, tokenMs: 1 });
    await ask(server.url, question(0));
    const asked = await Promise.all(Array.from({ length: 8 }, () => ask(server.url, longQuestion(30))));
    expect(countSlots(asked)).toBe(3);
    expect(server).toMatchObject({ maxInFlight: 3, maxWaiting: 5 });
  });

  test.each([1, 2, 4])('%i can be counted also where a token takes no time', async (slots) => {
    const server = await startForTest({ slots });
    await ask(server.url, question(0));
    const asked = await Promise.all(Array.from({ length: 8 }, () => ask(server.url, longQuestion(40))));
    expect(countSlots(asked)).toBe(slots);
  });

  test('who waits gets no headers, and the wait is in the total only', async () => {
    const server = await startForTest({ tokenMs: 30 });
    const long = startAsking(server.url, longQuestion(30));
    await long.begun;
    const waiting = await ask(server.url, question(1));
    const ended = await long.done;
    expect(waiting.headersMs).toBeGreaterThan(50);
    const last = waiting.lines.at(-1) as Record<string, number>;
    const parts = ['load_duration', 'prompt_eval_duration', 'eval_duration'].map((name) => last[name] ?? 0);
    const queueMs = ((last['total_duration'] ?? 0) - parts.reduce((sum, part) => sum + part, 0)) / 1e6;
    expect(queueMs).toBeGreaterThan(50);
    expect(JSON.parse(contentOf(ended))).toHaveLength(30);
  });

  test('they are served in the order they came', async () => {
    const server = await startForTest({ tokenMs: 1 });
    const first = startAsking(server.url, longQuestion(100));
    await first.begun;
    const ends: number[] = [];
    const asking = [];
    for (const index of [1, 2, 3]) {
      const asked = startAsking(server.url, question(index)).done;
      asking.push(asked.then(() => ends.push(index)));
      await waitUntil(() => server.maxWaiting === index);
    }
    await Promise.all(asking);
    expect(ends).toEqual([1, 2, 3]);
  });

  test('a slot knows the longest common prefix of its last prompt', async () => {
    const { url } = await startForTest();
    const counts = [];
    // Another rubric shares the beginning; the same request, all but the token that is always computed.
    for (const index of [0, 1, 2, 2]) {
      const { lines } = await ask(url, question(index));
      counts.push([lines.at(-1)?.['prompt_eval_cached_count'], lines.at(-1)?.['prompt_eval_count']]);
    }
    expect(counts).toEqual([
      [0, 39],
      [8, 48],
      [8, 50],
      [49, 50],
    ]);
  });

  test('an older version does not say what its slots know', async () => {
    const { url } = await startForTest({ reportsCached: false });
    const { lines } = await ask(url, question(0));
    expect(lines.at(-1)).not.toHaveProperty('prompt_eval_cached_count');
  });
});

describe('a client that goes', () => {
  test('frees its slot at once', async () => {
    const server = await startForTest({ tokenMs: 30 });
    const long = startAsking(server.url, longQuestion(1000));
    await long.begun;
    const waiting = startAsking(server.url, question(1));
    await waitUntil(() => server.maxWaiting === 1);
    long.abort();
    // A second, and half a minute where it is not freed.
    expect((await waiting.done).endMs).toBeLessThan(30_000);
    expect(server.aborted).toBe(1);
  });

  test('frees its place in the queue', async () => {
    const server = await startForTest({ tokenMs: 20 });
    const long = startAsking(server.url, longQuestion(60));
    await long.begun;
    const queued = startAsking(server.url, longQuestion(2000));
    await waitUntil(() => server.maxWaiting === 1);
    const last = startAsking(server.url, question(1));
    await waitUntil(() => server.maxWaiting === 2);
    queued.abort();
    expect(await queued.done).toMatchObject({ status: 0, error: 'ECONNRESET' });
    // Two seconds, and 40 more behind the one that went.
    expect((await last.done).endMs).toBeLessThan(40_000);
    expect((await long.done).lines.at(-1)).toMatchObject({ done: true });
    expect(server.aborted).toBe(1);
  });
});

describe('loads', () => {
  test.each([
    ['num_ctx', {}, { num_ctx: 1024 }],
    ['num_thread', {}, { num_thread: 2 }],
    ['main_gpu', {}, { main_gpu: 0 }],
    ['shift', { shift: false }, {}],
  ])('another %s is another load', async (_, changes, options) => {
    const server = await startForTest({ loadMs: 500 });
    const first = await ask(server.url, question(0));
    const warm = await ask(server.url, question(1));
    const other = await ask(server.url, question(2, changes, options));
    expect(server.loads).toBe(2);
    const loadMs = [first, warm, other].map(({ lines }) => Number(lines.at(-1)?.['load_duration']) / 1e6);
    expect(loadMs[0]).toBeGreaterThan(499);
    expect(loadMs[1]).toBeLessThan(499);
    expect(loadMs[2]).toBeGreaterThan(499);
  });

  test.each([
    ['sampling options', {}, { temperature: 1, seed: 3, num_predict: 9 }],
    ['a format', { format: 'json' }, {}],
    ['num_gpu, where it leaves the choice to the server', {}, { num_gpu: -1 }],
    ['shift, where it is the default', { shift: true }, {}],
  ])('%s are no other load', async (_, changes, options) => {
    const server = await startForTest();
    await ask(server.url, question(0));
    await ask(server.url, question(1, changes, options));
    expect(server.loads).toBe(1);
  });

  test('a load waits for what still runs', async () => {
    const server = await startForTest({ tokenMs: 1 });
    const long = startAsking(server.url, longQuestion(60));
    await long.begun;
    const other = await ask(server.url, question(1, {}, { num_ctx: 1024 }));
    expect(other.lines.at(-1)).toMatchObject({ done: true });
    expect((await long.done).lines.at(-1)).toMatchObject({ done: true });
    expect(await loadedContext(server.url)).toEqual([1024]);
  });

  test('another client takes the model', async () => {
    const server = await startForTest();
    await ask(server.url, question(0));
    await server.reloadByOther({ num_ctx: 512 });
    expect(await loadedContext(server.url)).toEqual([512]);
    await ask(server.url, question(0));
    expect(server.loads).toBe(3);
  });

  test('it refuses a cold burst beyond its queue, and no warm one', async () => {
    const server = await startForTest({ maxQueue: 2, loadMs: 400 });
    const burst = (): Promise<number[]> =>
      Promise.all(Array.from({ length: 12 }, async (_, index) => (await ask(server.url, question(index))).status));
    const cold = await burst();
    expect(cold.filter((status) => status === 503)).toHaveLength(9);
    expect(new Set(await burst())).toEqual(new Set([200]));
  });

  test('keep_alive says how long a model stays', async () => {
    const { url } = await startForTest();
    const stays = async (keepAlive: unknown): Promise<unknown[]> => {
      await ask(url, question(0, { keep_alive: keepAlive }));
      return loadedContext(url);
    };
    expect(await stays(0)).toEqual([]);
    expect(await stays('1ms').then(() => new Promise((resolve) => setTimeout(resolve, 20)))).toBeUndefined();
    expect(await loadedContext(url)).toEqual([]);
    expect(await stays(-1)).toEqual([2048]);
    expect((await ask(url, { model: 'tiny-scorer', keep_alive: 0 })).lines).toMatchObject([{ done_reason: 'unload' }]);
    expect(await loadedContext(url)).toEqual([]);
  });
});
