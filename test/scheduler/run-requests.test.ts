import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Backend } from '../../src/core/backend.ts';
import { failure } from '../../src/core/completion.ts';
import { EngineError } from '../../src/core/errors.ts';
import type { RunEvent } from '../../src/core/events.ts';
import type { WorkItem } from '../../src/core/request.ts';
import { defaultConversation } from '../../src/core/settings.ts';
import { createConversations } from '../../src/scheduler/conversation.ts';
import { type Seen, allIds, counting, idsOf, prepare, recordIn, settings, runRequests } from './prepare-run.ts';
import { chat, completion, items, openMock } from './requests.ts';

describe('requests', () => {
  test('are answered each once, never more than the workers at a time, never two in one worker', async () => {
    const watched = counting(await openMock({ latency_ms: 3, latency_jitter: 1 }));
    const { run, lines } = prepare(watched.backend, { items: items(200, 7), maxWorkers: 5 });
    await runRequests(run);
    expect(idsOf(lines).toSorted()).toEqual(allIds(200).toSorted());
    expect(watched.most()).toBe(5);
  });

  test('that are fewer than the workers leave the others idle', async () => {
    const { run, lines } = prepare(await openMock(), { items: items(2), maxWorkers: 64 });
    await runRequests(run);
    expect(idsOf(lines)).toEqual(['r0', 'r1']);
  });

  test('of an empty input end at once', async () => {
    const { run, lines } = prepare(await openMock(), { items: items(0) });
    await runRequests(run);
    expect(lines).toEqual([]);
  });

  test('tell their start and their end, retries too', async () => {
    const { run, events } = prepare(await openMock({ fault_rate: 0.5, fault_attempts: 1 }));
    await runRequests(run);
    const count = (type: RunEvent['type']): number => events.filter((event) => event.type === type).length;
    expect(count('request-retry')).toBeGreaterThan(0);
    expect(count('request-start')).toBe(50 + count('request-retry'));
    expect(count('request-end')).toBe(count('request-start'));
  });

  test('wait for a slow disk: a worker records its result before it takes the next request', async () => {
    let recording = 0;
    let most = 0;
    const record = async (): Promise<void> => {
      most = Math.max(most, ++recording);
      await sleep(1);
      recording--;
    };
    const { run } = prepare(await openMock(), { record, maxWorkers: 3 });
    await runRequests(run);
    expect(most).toBe(3);
  });

  test('that were no valid lines become failed results without being sent', async () => {
    async function* mixed(): AsyncGenerator<WorkItem[]> {
      yield [
        { row: 0, read: { id: 'line-1', line: 1, reason: 'not JSON' } },
        { row: 1, read: chat('good') },
      ];
    }
    const { run, lines } = prepare(await openMock(), { items: mixed(), maxWorkers: 1 });
    await runRequests(run);
    expect(lines).toMatchObject([
      {
        custom_id: 'line-1',
        response: null,
        error: { code: 'input', message: 'line 1: not JSON' },
        llmbatch: { attempts: 0 },
      },
      { custom_id: 'good', error: null, llmbatch: { attempts: 1 } },
    ]);
  });
});

describe('a request that fails', () => {
  test('is tried again off the worker: the others go on while it waits', async () => {
    const { run, lines } = prepare(await openMock({ fault_rate: 0.2, fault_attempts: 1 }), { maxWorkers: 1 });
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const ended = runRequests(run);
    await vi.advanceTimersByTimeAsync(1000);
    await ended;
    const attempts = lines.map(({ llmbatch }) => llmbatch.attempts);
    expect(lines).toHaveLength(50);
    expect(attempts).toContain(2);
    expect(attempts.indexOf(2)).toBe(attempts.filter((count) => count === 1).length);
  });

  test('is a failure when its retries are used up', async () => {
    const backend = await openMock({ fault_rate: 1, fault_kinds: 'overloaded' });
    const { run, lines } = prepare(backend, { items: items(3), settings: settings({ retries: 2 }) });
    await runRequests(run);
    expect(lines.map(({ error, llmbatch }) => [error?.code, llmbatch.attempts])).toEqual(
      Array(3).fill(['overloaded', 3]),
    );
  });

  test('for good is not tried again', async () => {
    const { run, lines } = prepare(await openMock({ fault_rate: 1, fault_kinds: 'bad-request' }), { items: items(3) });
    await runRequests(run);
    expect(lines.map(({ llmbatch }) => llmbatch.attempts)).toEqual([1, 1, 1]);
  });

  test('is tried again for a kind that was asked for', async () => {
    const backend = await openMock({ fault_rate: 1, fault_attempts: 1, fault_kinds: 'truncated' });
    const { run, lines } = prepare(backend, { items: items(3), settings: settings({ retryOn: ['truncated'] }) });
    await runRequests(run);
    expect(lines.map(({ error, llmbatch }) => [error, llmbatch.attempts])).toEqual(Array(3).fill([null, 2]));
  });

  test('with the run, stops it: what was answered is recorded, the rest is left for the resume', async () => {
    const backend = await openMock({ fault_rate: 0.1, fault_kinds: 'model-not-found', latency_ms: 2 });
    const { run, lines } = prepare(backend, { items: items(500) });
    const stopped = runRequests(run);
    await expect(stopped).rejects.toThrow(EngineError);
    await expect(stopped).rejects.toMatchObject({ kind: 'model-not-found', exitCode: 4 });
    expect(lines.length).toBeLessThan(500);
    expect(lines.every(({ error }) => error === null)).toBe(true);
  });

  /** r0 ends the run while r1 is in flight for so long. */
  const fatalBeside = async (latencyMs: number, drainTimeoutMs: number) => {
    const backend: Backend = {
      ...(await openMock()),
      async generate({ id }, { signal }) {
        if (id === 'r0') return failure('unauthorized', 'No.');
        await sleep(latencyMs, undefined, { signal });
        return completion(id);
      },
    };
    return prepare(backend, { items: items(9), maxWorkers: 2, settings: settings({ drainTimeoutMs }) });
  };

  test('with the run, ends it once what was in flight is answered, and sends nothing new', async () => {
    const { run, lines, events } = await fatalBeside(100, 5000);
    await expect(runRequests(run)).rejects.toMatchObject({ kind: 'unauthorized' });
    expect(idsOf(lines)).toEqual(['r1']);
    expect(events.filter(({ type }) => type === 'request-start')).toHaveLength(2);
    const text = 'the run ends: 1 request in flight may still be answered, for at most 5 s';
    expect(events).toContainEqual({ type: 'notice', text });
  });

  test('with the run, waits for what is in flight no longer than the drain timeout', async () => {
    const { run, lines } = await fatalBeside(60_000, 50);
    await expect(runRequests(run)).rejects.toMatchObject({ kind: 'unauthorized' });
    expect(lines).toEqual([]);
  });

  test('with the run, waits for nothing once it is aborted', async () => {
    const { run, lines, abort } = await fatalBeside(60_000, 60_000);
    setTimeout(() => abort.abort(), 50);
    await expect(runRequests(run)).rejects.toMatchObject({ kind: 'unauthorized' });
    expect(lines).toEqual([]);
  });

  test('as too many others did trips the breaker', async () => {
    const backend = await openMock({ fault_rate: 1, fault_kinds: 'refused' });
    const { run, lines } = prepare(backend, { items: items(500), maxWorkers: 1 });
    await expect(runRequests(run)).rejects.toThrow('100.0% of the last requests failed, most recently with refused');
    expect(lines).toHaveLength(50);
  });

  test('to come within --timeout is retried as a timeout', async () => {
    const backend = await openMock({ tokens_per_second: 1, completion_tokens: 1000 });
    const { run, lines } = prepare(backend, { items: items(1), settings: settings({ retries: 0, timeoutMs: 50 }) });
    await runRequests(run);
    expect(lines).toMatchObject([{ error: { code: 'timeout', message: expect.stringContaining('(--timeout)') } }]);
  });

  test('because the engine hangs makes the engine start again', async () => {
    let restarts = 0;
    const backend = {
      ...(await openMock({ fault_rate: 1, fault_attempts: 1, fault_kinds: 'hang' })),
      supervision: { restart: async () => void restarts++ },
    };
    const { run, lines, events } = prepare(backend, { items: items(3), settings: settings({ stallTimeoutMs: 100 }) });
    await runRequests(run);
    expect(lines.map(({ error, llmbatch }) => [error, llmbatch.attempts])).toEqual(Array(3).fill([null, 2]));
    expect(restarts).toBe(1);
    expect(events).toContainEqual({
      type: 'notice',
      text: expect.stringContaining('nothing came from the engine'),
    });
  });
});

describe('a run that is stopped', () => {
  test('sends nothing new, and records what was in flight', async () => {
    const mock = await openMock({ latency_ms: 20 });
    const generate: Backend['generate'] = (request, context) => {
      if (request.id === 'r9') stop.abort();
      return mock.generate(request, context);
    };
    const { run, lines, stop, events } = prepare({ ...mock, generate }, { items: items(500) });
    await runRequests(run);
    const sent = events.filter(({ type }) => type === 'request-start').length;
    expect(lines.length).toBeLessThan(500);
    expect(lines).toHaveLength(sent);
    expect(events).toContainEqual({ type: 'stop' });
  });

  test('twice ends at once, and what was in flight stays unanswered', async () => {
    const { run, lines, abort } = prepare(await openMock({ fault_rate: 1, fault_kinds: 'hang' }));
    setTimeout(() => abort.abort(), 20);
    await runRequests(run);
    expect(lines).toEqual([]);
  });

  test('waits no longer than the drain timeout', async () => {
    const backend = await openMock({ fault_rate: 1, fault_kinds: 'hang' });
    const { run, lines, stop } = prepare(backend, { settings: settings({ drainTimeoutMs: 50 }) });
    stop.abort();
    await runRequests(run);
    expect(lines).toEqual([]);
  });

  test('before it began sends nothing', async () => {
    const { run, lines, events, stop } = prepare(await openMock());
    stop.abort();
    await runRequests(run);
    expect([lines, events]).toEqual([[], [{ type: 'stop' }]]);
  });

  test('forgets the retries that wait', async () => {
    const { run, lines, stop } = prepare(await openMock({ fault_rate: 1, fault_kinds: 'rate-limited' }), {
      items: items(4),
    });
    setTimeout(() => stop.abort(), 20);
    await runRequests(run);
    expect(lines).toEqual([]);
  });
});

describe('requests in a conversation', () => {
  const conversations = (events: Seen[]) =>
    createConversations({
      settings: defaultConversation,
      contextTokens: null,
      restored: new Map(),
      ...recordIn(events),
    });

  test('drop the history when it does not fit with the question, and get a chance of their own', async () => {
    const events: Seen[] = [];
    const backend = await openMock({ context_tokens: 5 });
    const { run, lines } = prepare(backend, { items: items(8), maxWorkers: 1, conversations: conversations(events) });
    await runRequests(run);
    expect(lines.map(({ error }) => error)).toEqual(Array(8).fill(null));
    expect(lines.map(({ llmbatch }) => llmbatch.conversation?.history)).toEqual([0, 2, 4, 0, 2, 4, 0, 2]);
    expect(events.filter(({ type }) => type === 'history-trim')).toHaveLength(2);
  });

  test('that are too long alone fail', async () => {
    const backend = await openMock({ context_tokens: 1 });
    async function* long(): AsyncGenerator<WorkItem[]> {
      yield [{ row: 0, read: chat('a', 'far too long') }];
    }
    const { run, lines } = prepare(backend, { items: long(), conversations: conversations([]) });
    await runRequests(run);
    expect(lines).toMatchObject([{ error: { code: 'context-too-long' } }]);
  });

  test('drop a history that the engine refuses for a control token, an answer of its own', async () => {
    const events: Seen[] = [];
    const backend: Backend = {
      ...(await openMock()),
      generate: async ({ id, body }) =>
        JSON.stringify(body.messages).includes('<|im_end|>')
          ? failure('control-token', 'a control token')
          : completion(id === 'r1' ? 'so <|im_end|>' : 'x'),
    };
    const { run, lines } = prepare(backend, { items: items(4), maxWorkers: 1, conversations: conversations(events) });
    await runRequests(run);
    expect(lines.map(({ error, llmbatch }) => [error, llmbatch.conversation?.history])).toEqual([
      [null, 0],
      [null, 2],
      [null, 0],
      [null, 2],
    ]);
    expect(events).toMatchObject([{ type: 'history-trim', messages: 0 }, { type: 'notice' }]);
  });

  test('that hold a control token themselves fail, and are sent only once more', async () => {
    let refused = 0;
    const backend: Backend = {
      ...(await openMock()),
      generate: async ({ id }) => {
        if (id !== 'r1') return completion('x');
        refused++;
        return failure('control-token', 'a control token');
      },
    };
    const { run, lines } = prepare(backend, { items: items(3), maxWorkers: 1, conversations: conversations([]) });
    await runRequests(run);
    expect(lines.map(({ error }) => error?.code)).toEqual([undefined, 'control-token', undefined]);
    expect(refused).toBe(2);
  });

  test('that are no chats are sent as they are', async () => {
    const sent: unknown[] = [];
    const backend: Backend = {
      ...(await openMock()),
      generate: async ({ body }) => {
        sent.push(body);
        return body['fail'] === true ? failure('bad-request', '') : completion('x');
      },
    };
    async function* plain(): AsyncGenerator<WorkItem[]> {
      yield [
        { row: 0, read: { id: 'a', line: 1, endpoint: '/v1/completions', body: { model: 'mock', prompt: 'Hi' } } },
      ];
    }
    const { run, lines } = prepare(backend, { items: plain(), conversations: conversations([]) });
    await runRequests(run);
    expect(sent).toEqual([{ model: 'mock', prompt: 'Hi' }]);
    expect(lines[0]?.llmbatch.conversation).toBeUndefined();
  });
});
