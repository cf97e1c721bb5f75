import { readFile } from 'node:fs/promises';
import * as fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { mockBackend } from '../../../src/backends/mock/index.ts';
import type { Backend, GenerateContext } from '../../../src/core/backend.ts';
import { type Answer, answerText, type Completion } from '../../../src/core/completion.ts';
import type { BatchRequest, RequestBody } from '../../../src/core/request.ts';
import { nowhere, openRequest } from '../../helpers/open-request.ts';

const open = (options: Record<string, unknown> = {}, stop = new AbortController()): Promise<Backend> =>
  mockBackend.open(openRequest('mock', { options, signal: stop.signal }));

const context = (changes: Partial<GenerateContext> = {}): GenerateContext => ({
  signal: new AbortController().signal,
  onFirstToken: () => {},
  onActivity: () => {},
  worker: 0,
  ...changes,
});

const chat = (id: string, question = 'how are you', body: Partial<RequestBody> = {}): BatchRequest => ({
  id,
  line: 1,
  endpoint: '/v1/chat/completions',
  body: { model: 'mock', messages: [{ role: 'user', content: question }], ...body },
});

const ids = (count: number): string[] => Array.from({ length: count }, (_, index) => `request-${index}`);

function completed(answer: Answer): Completion {
  if (answer.status === 'failed') throw new Error(`${answer.kind}: ${answer.message}`);
  return answer;
}

async function ask(backend: Backend, request: BatchRequest): Promise<string> {
  return answerText(completed(await backend.generate(request, context())).body);
}

async function kindsOf(backend: Backend, requests: string[]): Promise<(string | null)[]> {
  const answers = await Promise.all(requests.map((id) => backend.generate(chat(id), context())));
  return answers.map((answer) => (answer.status === 'failed' ? answer.kind : null));
}

async function orderOfAnswers(seed: number): Promise<string[]> {
  const backend = await open({ latency_ms: 300, latency_jitter: 1, seed });
  const done: string[] = [];
  await Promise.all(ids(4).map(async (id) => done.push(await ask(backend, chat(id, id)))));
  return done;
}

/** An answer, and the time that it takes by a clock that only timers turn. */
async function timed<T>(asked: Promise<T>): Promise<[T, number]> {
  const startedAt = performance.now();
  const ended = asked.then((answer): [T, number] => [answer, performance.now() - startedAt]);
  await vi.runAllTimersAsync();
  return ended;
}

afterEach(() => void vi.useRealTimers());

describe('a mock answer', () => {
  test('is the last user text, in the shape of a chat completion', async () => {
    const backend = await open();
    const { body } = completed(await backend.generate(chat('a', 'how are you'), context()));
    expect(body).toMatchObject({
      id: 'chatcmpl-a',
      object: 'chat.completion',
      model: 'mock',
      choices: [{ index: 0, message: { role: 'assistant', content: 'how are you' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 3, completion_tokens: 3, total_tokens: 6, prompt_tokens_details: { cached_tokens: 0 } },
    });
  });

  test('echoes a prompt as a text completion', async () => {
    const backend = await open();
    const request: BatchRequest = {
      id: 'a',
      line: 1,
      endpoint: '/v1/completions',
      body: { model: 'mock', prompt: 'to be or' },
    };
    const { body } = completed(await backend.generate(request, context()));
    expect(body).toMatchObject({ object: 'text_completion', choices: [{ text: 'to be or', finish_reason: 'stop' }] });
  });

  test('has one vector for each input of an embedding, the same for the same text, and no first token', async () => {
    const backend = await open();
    const body = { model: 'mock', input: ['one', 'two words', 'one'] };
    const answer = await backend.generate(
      { id: 'a', line: 1, endpoint: '/v1/embeddings', body },
      context({ onFirstToken: () => expect.fail('an embedding has no tokens') }),
    );
    const data = completed(answer).body.data as { index: number; embedding: number[] }[];
    expect(data.map((item) => item.index)).toEqual([0, 1, 2]);
    expect(data[0]?.embedding).toEqual(data[2]?.embedding);
    expect(data[0]?.embedding).not.toEqual(data[1]?.embedding);
    expect(completed(answer).body.usage).toEqual({ prompt_tokens: 4, completion_tokens: 0, total_tokens: 4 });
  });

  test('is cut at max_tokens words with finish_reason length', async () => {
    const backend = await open();
    const { body } = completed(await backend.generate(chat('a', 'one  two three', { max_tokens: 2 }), context()));
    expect(body.choices?.[0]).toMatchObject({ message: { content: 'one  two' }, finish_reason: 'length' });
    expect(body.usage!.completion_tokens).toBe(2);
  });

  test('that has exactly max_tokens words is whole', async () => {
    const backend = await open();
    const { body } = completed(await backend.generate(chat('a', 'one two three', { max_tokens: 3 }), context()));
    expect(body.choices?.[0]).toMatchObject({ message: { content: 'one two three' }, finish_reason: 'stop' });
  });

  test('ends before the first stop text', async () => {
    const backend = await open();
    expect(await ask(backend, chat('a', 'one two three', { stop: ['three', ' two'] }))).toBe('one');
  });

  test('can be a literal, and a hash that depends on the text alone', async () => {
    expect(await ask(await open({ answer: 'text:{"ok":true}' }), chat('a'))).toBe('{"ok":true}');
    const backend = await open({ answer: 'hash' });
    const first = await ask(backend, chat('a', 'question'));
    expect(first).toMatch(/^[0-9a-f]{14}$/);
    expect(await ask(backend, chat('b', 'question'))).toBe(first);
    expect(await ask(backend, chat('a', 'another'))).not.toBe(first);
  });

  test('with answer=score is right for all 500 candidates of the demonstration model', async () => {
    const lines = (await readFile('fixtures/candidates.jsonl', 'utf8')).trimEnd().split('\n');
    const backend = await open({ answer: 'score' });
    const candidates = lines.map(
      (line) => JSON.parse(line) as { custom_id: string; body: RequestBody; expected: unknown },
    );
    const answers = candidates.map(({ custom_id: id, body }) =>
      ask(backend, { id, line: 1, endpoint: '/v1/chat/completions', body }),
    );
    const parsed = (await Promise.all(answers)).map((text): unknown => JSON.parse(text));
    expect(parsed).toHaveLength(500);
    expect(parsed).toEqual(candidates.map((candidate) => candidate.expected));
  });

  test('reports what the prompt shares with the previous one of its worker as cached', async () => {
    const backend = await open();
    const cached = async (worker: number, ...texts: string[]): Promise<number | undefined> => {
      const messages = texts.map((content, index) => ({ role: index === 0 ? 'system' : 'user', content }));
      const answer = await backend.generate(chat('a', '', { messages }), context({ worker }));
      return completed(answer).body.usage!.prompt_tokens_details?.cached_tokens;
    };
    expect(await cached(0, 'be brief please', 'first')).toBe(0);
    expect(await cached(0, 'be brief please', 'second')).toBe(3);
    expect(await cached(1, 'be brief please', 'third')).toBe(0);
    expect(await cached(0, 'another rubric', 'second')).toBe(0);
    expect(await cached(0, 'another rubric', 'second', 'more')).toBe(3);
  });

  test('has no cached tokens with report_cached=false', async () => {
    const backend = await open({ report_cached: 'false' });
    const { body } = completed(await backend.generate(chat('a'), context()));
    expect(body.usage).toEqual({ prompt_tokens: 3, completion_tokens: 3, total_tokens: 6 });
  });

  test('fails as context-too-long, with both counts, when the prompt is longer than the context', async () => {
    const backend = await open({ context_tokens: '3' });
    expect(backend.limits.contextTokens).toBe(3);
    expect(await ask(backend, chat('fits', 'one two three'))).toBe('one two three');
    const answer = await backend.generate(chat('long', 'one two three four'), context());
    expect(answer).toMatchObject({
      status: 'failed',
      kind: 'context-too-long',
      message: expect.stringMatching(/4 .*3/),
    });
  });
});

describe('faults', () => {
  test('depend on the seed and the id alone, not on the order', async () => {
    const property = fc.asyncProperty(
      fc.nat(),
      fc.double({ min: 0.05, max: 0.95, noNaN: true }),
      async (seed, rate) => {
        const options = { seed, fault_rate: rate, fault_kinds: 'server-error,rate-limited,crash' };
        const forward = await kindsOf(await open(options), ids(200));
        const backward = await kindsOf(await open(options), ids(200).toReversed());
        expect(backward.toReversed()).toEqual(forward);
      },
    );
    await fc.assert(property, { numRuns: 50 });
  });

  test('come as often as fault_rate says', async () => {
    const count = 4000;
    const property = fc.asyncProperty(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), async (seed, rate) => {
      const kinds = await kindsOf(await open({ seed, fault_rate: rate }), ids(count));
      const faults = kinds.filter((kind) => kind === 'server-error').length;
      const deviation = Math.sqrt(count * rate * (1 - rate));
      expect(Math.abs(faults - count * rate)).toBeLessThanOrEqual(6 * deviation + 1);
    });
    await fc.assert(property, { numRuns: 50 });
  });

  test('use every kind of fault_kinds, and crash means engine-crashed', async () => {
    const kinds = await kindsOf(await open({ fault_rate: 1, fault_kinds: 'overloaded, crash,truncated' }), ids(200));
    expect(new Set(kinds)).toEqual(new Set(['overloaded', 'engine-crashed', 'truncated']));
  });

  test('end with the first retry when fault_attempts is 1', async () => {
    const backend = await open({ fault_rate: 0.5, fault_attempts: 1 });
    const first = await kindsOf(backend, ids(200));
    const retried = await kindsOf(
      backend,
      ids(200).filter((_, index) => first[index] !== null),
    );
    expect(first).toContain('server-error');
    expect(new Set(retried)).toEqual(new Set([null]));
  });

  test('are drawn anew for each attempt without fault_attempts', async () => {
    const backend = await open({ fault_rate: 0.5 });
    let left = ids(512);
    const sizes: number[] = [];
    for (let attempt = 0; attempt < 3; attempt++) {
      const kinds = await kindsOf(backend, left);
      left = left.filter((_, index) => kinds[index] !== null);
      sizes.push(left.length);
    }
    expect(sizes[0]).toBeLessThan(320);
    expect(sizes[1]).toBeLessThan(sizes[0] ?? 0);
    expect(sizes[2]).toBeLessThan(sizes[1] ?? 0);
    expect(sizes[2]).toBeGreaterThan(0);
  });

  test('of the kind hang never answer until they are aborted', async () => {
    const backend = await open({ fault_rate: 1, fault_kinds: 'hang', fault_attempts: 1 });
    const stop = new AbortController();
    const hanging = backend.generate(chat('a'), context({ signal: stop.signal }));
    stop.abort(new Error('no patience'));
    await expect(hanging).rejects.toThrow('no patience');
    expect(await ask(backend, chat('a'))).toBe('how are you');
  });

  describe('of the kind loop', () => {
    const openLooping = (options: Record<string, unknown>, allowRepetition: boolean): Promise<Backend> =>
      mockBackend.open(
        openRequest('mock', { options: { fault_rate: 1, fault_kinds: 'loop', ...options }, allowRepetition }),
      );

    test('repeat themselves until they are stopped, and cost what came', async () => {
      const given = await (await openLooping({}, false)).generate(chat('a'), context());
      const message = expect.stringMatching(/"and so on" came 17\d times/) as string;
      expect(given).toMatchObject({ status: 'failed', kind: 'repetition', message });
      expect(given.status === 'failed' && given.usage!.completion_tokens).toBeGreaterThanOrEqual(512);
    });

    test('go on to max_tokens, or to the end of the window, where that is allowed', async () => {
      const backend = await openLooping({ context_tokens: 700 }, true);
      const limited = completed(await backend.generate(chat('a', 'go on', { max_tokens: 600 }), context()));
      expect(limited.body.choices?.[0]?.finish_reason).toBe('length');
      expect(limited.body.usage?.completion_tokens).toBe(600);
      const usage = { prompt_tokens: 2, completion_tokens: 698, total_tokens: 700 };
      expect(await backend.generate(chat('b', 'go on'), context())).toMatchObject({ kind: 'truncated', usage });
    });
  });
});

describe('time', () => {
  test('lasts at least as the options say, with the first token before the end', async () => {
    const backend = await open({ ttft_ms: 20, tokens_per_second: 100, completion_tokens: 10 });
    vi.useFakeTimers();
    let firstMs = 0;
    let signs = 0;
    const asked = backend.generate(
      chat('a'),
      context({ onFirstToken: () => (firstMs = performance.now()), onActivity: () => signs++ }),
    );
    const startedAt = performance.now();
    const [answer, tookMs] = await timed(asked);
    expect([firstMs - startedAt, tookMs]).toEqual([20, 120]);
    expect(signs).toBeGreaterThanOrEqual(2);
    expect(completed(answer).body.usage!.completion_tokens).toBe(10);
  });

  test('of a prompt is told with its first token, where tokens stream and the cache is reported', async () => {
    const told: unknown[] = [];
    const onPrompt = (...counts: number[]): void => void told.push(counts);
    const askTwice = async (options: object): Promise<void> => {
      const backend = await open({ tokens_per_second: 1e6, ...options });
      for (const id of ['a', 'b']) await backend.generate(chat(id), context({ onPrompt }));
    };
    await askTwice({});
    await askTwice({ report_cached: false });
    expect(told).toEqual([
      [3, 0],
      [0, 3],
    ]);
  });

  test('varies with latency_jitter in an order that the seed decides', async () => {
    const [first, again] = await Promise.all([orderOfAnswers(3), orderOfAnswers(3)]);
    expect(again).toEqual(first);
    expect(first).toHaveLength(4);
  });

  test('of an aborted request ends at once with the reason of the signal', async () => {
    const backend = await open({ latency_ms: 3_600_000 });
    const stop = new AbortController();
    const late = backend.generate(chat('a'), context({ signal: stop.signal }));
    stop.abort(new Error('interrupted'));
    await expect(late).rejects.toThrow('interrupted');
    await expect(backend.generate(chat('b'), context({ signal: stop.signal }))).rejects.toThrow('interrupted');
  });

  test('to load is waited for and measured, and can be aborted', async () => {
    const backend = await open({ load_ms: 30 });
    expect(backend.info.loadMs).toBeGreaterThanOrEqual(29);
    expect((await open()).info.loadMs).toBeNull();
    const stop = new AbortController();
    const loading = open({ load_ms: 3_600_000 }, stop);
    stop.abort(new Error('changed my mind'));
    await expect(loading).rejects.toThrow('changed my mind');
  });

  test('without latency needs no timer: a request is answered in the same turn of the event loop', async () => {
    const backend = await open();
    let isNextTurn = false;
    setImmediate(() => (isNextTurn = true));
    for (let index = 0; index < 1000; index++) await backend.generate(chat(`request-${index}`), context());
    expect(isNextTurn).toBe(false);
  });

  test('without latency, throughput (printed, not asserted)', async () => {
    const backend = await open();
    const { signal } = new AbortController();
    const count = 200_000;
    const requests = Array.from({ length: 1000 }, (_, index) =>
      chat(`request-${index}`, 'Candidate: Moroli, skills: python, 20 years'),
    );
    const startedAt = performance.now();
    for (let index = 0; index < count; index++) {
      const request = requests[index % 1000];
      if (request !== undefined) await backend.generate(request, context({ signal, worker: index % 8 }));
    }
    const perSecond = count / ((performance.now() - startedAt) / 1000);
    console.log(`mock without latency: ${Math.round(perSecond).toLocaleString('en-US')} requests/s`);
  });
});

describe('slots', () => {
  test('work on so many requests at once and queue the others in the order they came', async () => {
    const backend = await open({ slots: '2', latency_ms: 25 });
    vi.useFakeTimers();
    expect(backend.limits).toEqual({ slots: 2, suggestedWorkers: 2, contextTokens: null });
    const done: string[] = [];
    const asked = ids(6).map(async (id) => {
      const answer = completed(await backend.generate(chat(id), context()));
      done.push(id);
      return answer.queueMs;
    });
    await vi.advanceTimersByTimeAsync(75);
    expect(await Promise.all(asked)).toEqual([0, 0, 25, 25, 50, 50]);
    expect(done).toEqual(ids(6));
  });

  test('are never held by more requests than there are', async () => {
    const property = fc.asyncProperty(
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 40 }),
      async (slots, count) => {
        const backend = await open({ slots, fault_rate: 1, fault_kinds: 'hang' });
        const stops = ids(count).map(() => new AbortController());
        const requests = stops.map(({ signal }, index) =>
          backend.generate(chat(`request-${index}`), context({ signal })),
        );
        const settled = Promise.allSettled(requests);
        for (const stop of stops.toReversed()) stop.abort(new Error('enough'));
        for (const { status } of await settled) expect(status).toBe('rejected');
        const later = await open({ slots });
        expect(await Promise.all(ids(count).map((id) => ask(later, chat(id))))).toHaveLength(count);
      },
    );
    await fc.assert(property, { numRuns: 30 });
  });

  test('are free again after an abort, in the queue or at work', async () => {
    const backend = await open({ slots: 1, fault_rate: 1, fault_kinds: 'hang', fault_attempts: 1 });
    const [working, waiting] = [new AbortController(), new AbortController()];
    const first = backend.generate(chat('first'), context({ signal: working.signal }));
    const second = backend.generate(chat('second'), context({ signal: waiting.signal }));
    const third = backend.generate(chat('first'), context());
    waiting.abort(new Error('left the queue'));
    await expect(second).rejects.toThrow('left the queue');
    working.abort(new Error('stopped'));
    await expect(first).rejects.toThrow('stopped');
    expect(answerText(completed(await third).body)).toBe('how are you');
  });

  test('without a number have no queue and suggest 8 workers', async () => {
    const backend = await open();
    expect(backend.limits).toEqual({ slots: null, suggestedWorkers: 8, contextTokens: null });
    expect(completed(await backend.generate(chat('a'), context())).queueMs).toBeUndefined();
  });
});

describe('a planted change', () => {
  test('answers_change_at changes a quarter of the answers, for so many workers and more', async () => {
    const answers = async (workers: number): Promise<string[]> => {
      const options = { answers_change_at: 8, latency_ms: 1 };
      const backend = await mockBackend.open(openRequest('mock', { options }));
      const left = ids(400);
      const texts: string[] = [];
      const worker = async (): Promise<void> => {
        for (let id = left.shift(); id !== undefined; id = left.shift()) texts.push(await ask(backend, chat(id)));
      };
      await Promise.all(Array.from({ length: workers }, worker));
      return texts;
    };
    expect(new Set(await answers(7))).toEqual(new Set(['how are you']));
    const changed = (await answers(8)).filter((text) => text === 'how are you or not');
    expect(changed.length).toBeGreaterThan(70);
    expect(changed.length).toBeLessThan(130);
  });
});

describe('the definition', () => {
  test('serves mock and mock:anything, and no other model', () => {
    const models = ['mock', 'mock:fast', 'mockingbird', 'gemma3'];
    expect(models.map((model) => mockBackend.serves(model, nowhere))).toEqual([true, true, false, false]);
  });

  test('takes numbers as texts, and what its schema returned', async () => {
    const schema = await mockBackend.optionsSchema();
    const options = schema.parse({ latency_ms: '12.5', slots: 4, report_cached: 'false', fault_kinds: 'hang,timeout' });
    expect(options).toMatchObject({ latency_ms: 12.5, slots: 4, report_cached: false, seed: 0 });
    expect(schema.parse(options)).toEqual(options);
  });

  test.each([
    { latency: 5 },
    { latency_ms: '' },
    { latency_ms: 'fast' },
    { latency_ms: -1 },
    { fault_rate: 1.5 },
    { fault_kinds: 'server-error,nonsense' },
    { fault_attempts: 0 },
    { answer: 'shout' },
    { slots: 1.5 },
    { tokens_per_second: 0 },
  ])('refuses %j', async (options) => {
    const schema = await mockBackend.optionsSchema();
    expect(schema.safeParse(options).success).toBe(false);
  });

  test('documents every option', async () => {
    const schema = await mockBackend.optionsSchema();
    for (const key of Object.keys(mockBackend.optionsHelp)) {
      expect(schema.safeParse({ [key]: 'no such value' }).error?.issues[0]?.code).not.toBe('unrecognized_keys');
    }
    expect(Object.keys(schema.parse({})).every((key) => key in mockBackend.optionsHelp)).toBe(true);
  });
});
