import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Backend, Supervision } from '../../../src/core/backend.ts';
import { type Answer, failure } from '../../../src/core/completion.ts';
import { createRateLimitPause } from '../../../src/scheduler/limits/rate-limit-pause.ts';
import { type Seen, idsOf, prepare, recordIn, settings, runRequests } from '../prepare-run.ts';
import { completion, items, openMock } from '../requests.ts';

const refusal = (retryAfterMs?: number): Answer =>
  retryAfterMs === undefined ? failure('rate-limited', 'no') : { ...failure('rate-limited', 'no'), retryAfterMs };
const noticesIn = (events: Seen[]): string[] =>
  events.flatMap((event) => (event.type === 'notice' ? [event.text] : []));

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('a hold', () => {
  function open() {
    const events: Seen[] = [];
    const ends: number[] = [];
    const start = performance.now();
    const onEnd = (): void => void ends.push(performance.now() - start);
    return { hold: createRateLimitPause({ ...recordIn(events), onEnd }), events, ends };
  }

  test.each<[string, Answer]>([
    ['rate-limited with Retry-After', refusal(700)],
    ['overloaded with Retry-After', { ...failure('overloaded', ''), retryAfterMs: 700 }],
    ['a used-up rate limit', { ...failure('rate-limited', ''), pauseMs: 700, retryAfterMs: 5 }],
    ['an answer that used the rate limit up', { ...completion('x'), pauseMs: 700 }],
  ])('follows %s', (_what, answer) => {
    const { hold, ends } = open();
    hold.onAnswer(answer);
    expect(hold.isOn()).toBe(true);
    vi.advanceTimersByTime(699);
    expect(ends).toEqual([]);
    vi.advanceTimersByTime(1);
    expect([ends, hold.isOn(), vi.getTimerCount()]).toEqual([[700], false, 0]);
  });

  test.each<[string, Answer]>([
    ['an answer', completion('x')],
    ['a refusal that says no time', refusal()],
    ['a time of another failure', { ...failure('server-error', ''), retryAfterMs: 700 }],
  ])('does not follow %s', (_what, answer) => {
    const { hold } = open();
    hold.onAnswer(answer);
    expect(hold.isOn()).toBe(false);
  });

  test('lasts as long as the longest that was asked for, and is said once', () => {
    const { hold, ends, events } = open();
    for (const seconds of [2, 20, 5]) hold.onAnswer(refusal(seconds * 1000));
    vi.advanceTimersByTime(60_000);
    expect(ends).toEqual([20_000]);
    expect(noticesIn(events)).toEqual(['the server asks to wait: nothing is sent for 2.0 s']);
    hold.onAnswer(refusal(3000));
    expect(noticesIn(events)).toHaveLength(2);
  });

  test('of a second is not said', () => {
    const { hold, events } = open();
    hold.onAnswer(refusal(1000));
    expect(events).toEqual([]);
  });

  test('lasts ten minutes at most', () => {
    const { hold, ends } = open();
    hold.onAnswer(refusal(1e9));
    vi.advanceTimersByTime(600_000);
    expect(ends).toEqual([600_000]);
  });
});

describe('a run', () => {
  /** Answers as told with the number of the request that comes, and notes when each came. */
  async function answering(answer: (number: number) => Answer) {
    const start = performance.now();
    const sentAt: number[] = [];
    const backend: Backend = {
      ...(await openMock()),
      async generate() {
        sentAt.push(performance.now() - start);
        return answer(sentAt.length - 1);
      },
    };
    return { backend, sentAt };
  }

  test('sends nothing in a hold, in no worker', async () => {
    const { backend, sentAt } = await answering((number) =>
      number === 9 ? { ...completion('x'), pauseMs: 5000 } : completion('x'),
    );
    const { run, lines } = prepare(backend);
    const ended = runRequests(run);
    await vi.advanceTimersByTimeAsync(4999);
    const before = sentAt.length;
    expect(before).toBeLessThan(10 + run.maxWorkers);
    await vi.advanceTimersByTimeAsync(1);
    await ended;
    expect(sentAt.slice(before).every((at) => at >= 5000)).toBe(true);
    expect(lines).toHaveLength(50);
  });

  test('tries a refused request again when the server said, not before, and blames it for nothing', async () => {
    const { backend, sentAt } = await answering((number) => (number < 12 ? refusal(2000) : completion('x')));
    const { run, lines } = prepare(backend, { items: items(1), settings: settings({ retries: 0 }) });
    const ended = runRequests(run);
    await vi.advanceTimersByTimeAsync(12 * 2000);
    await ended;
    expect(sentAt).toEqual(Array.from({ length: 13 }, (_, index) => index * 2000));
    expect(lines).toMatchObject([{ error: null, llmbatch: { attempts: 13 } }]);
  });

  test('gives a request up that is refused for ever, and says before that it may take long', async () => {
    const { backend } = await answering(() => refusal(1000));
    const { run, lines, events } = prepare(backend, { items: items(1), settings: settings({ retries: 1 }) });
    const ended = runRequests(run);
    await vi.advanceTimersByTimeAsync(100_000);
    await ended;
    expect(lines).toMatchObject([{ error: { code: 'rate-limited' }, llmbatch: { attempts: 32 } }]);
    expect(noticesIn(events)).toEqual([
      'the server has refused the request "r0" (line 1) 10 times, and is asked again, up to 30 times (no)',
    ]);
  });

  test.each([undefined, 10])(
    'gets all answers of a server that refuses half (Retry-After %s)',
    async (retryAfterMs) => {
      const { backend } = await answering((number) => (number % 2 === 0 ? refusal(retryAfterMs) : completion('x')));
      const { run, lines } = prepare(backend, { items: items(200), maxWorkers: 16, startsWith: 8 });
      const ended = runRequests(run);
      await vi.advanceTimersByTimeAsync(600_000);
      await ended;
      expect(new Set(idsOf(lines)).size).toBe(200);
      expect(lines.every(({ error }) => error === null)).toBe(true);
    },
  );

  test.each(['stop', 'abort'] as const)('ends at once in a hold by its %s signal', async (which) => {
    const { backend, sentAt } = await answering(() => refusal(600_000));
    const watched = prepare(backend);
    const ended = runRequests(watched.run);
    await vi.advanceTimersByTimeAsync(1000);
    watched[which].abort();
    await ended;
    expect([watched.lines, sentAt.length, vi.getTimerCount()]).toEqual([[], 4, 0]);
  });

  test.each([
    ['the outage', 1000, 5000],
    ['the hold', 5000, 1000],
  ])('whose server is away in a hold waits for both: %s ends last', async (_which, pauseMs, outageMs) => {
    let isUp = true;
    const start = performance.now();
    const { backend, sentAt } = await answering((number) => {
      if (number === 8) return refusal(pauseMs);
      isUp &&= number !== 9;
      return isUp ? completion('x') : failure('connection', 'refused');
    });
    const recover: Supervision['recover'] = () =>
      new Promise((resolve) => {
        const back = (): void => {
          isUp = true;
          resolve('away');
        };
        setTimeout(back, start + outageMs - performance.now());
      });
    const { run, lines } = prepare({ ...backend, supervision: { recover } }, { settings: settings({ retries: 0 }) });
    const ended = runRequests(run);
    await vi.advanceTimersByTimeAsync(10_000);
    await ended;
    expect(sentAt.every((at) => at === 0 || at >= 5000)).toBe(true);
    expect(lines.map(({ error }) => error)).toEqual(Array(50).fill(null));
  });
});
