import type { GpuSample } from '../../../src/core/measurements.ts';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { EngineError } from '../../../src/core/errors.ts';
import type { RunEvent, Notice } from '../../../src/core/events.ts';
import { type VramLimit, defaultConversation } from '../../../src/core/settings.ts';
import { type Conversations, createConversations } from '../../../src/scheduler/conversation.ts';
import { type GpuMonitor, type VramGuard, createVramGuard } from '../../../src/scheduler/limits/vram-guard.ts';
import { createWorkerLimit } from '../../../src/scheduler/limits/worker-limit.ts';
import { gpus } from '../gpu-samples.ts';
import { prepare, settings, runRequests } from '../prepare-run.ts';
import { chat, completion, openMock } from '../requests.ts';
import { waitUntil } from '../../helpers/wait.ts';

const stallTimeoutMs = 60_000;

/** A monitor of GPUs with one subscriber; after the end of the subscription its samples go nowhere. */
const monitor = (set: (listener: (sampled: GpuSample[]) => void) => void): GpuMonitor => ({
  subscribe(listener) {
    set(listener);
    return () => set(() => {});
  },
});

interface Watch {
  guard: VramGuard;
  /** What the guard did at each of these samples. */
  feed: (...percents: number[]) => (string | null)[];
  workers: number[];
  notices: string[];
  errors: EngineError[];
  conversations: Conversations;
}

function open(vramLimit: VramLimit, { startWorkers = 4, hasConversations = false } = {}): Watch {
  const events: RunEvent[] = [];
  const notices: string[] = [];
  const emit = (event: RunEvent): void => void events.push(event);
  const notify = ({ text }: Notice): void => void notices.push(text);
  const workers: number[] = [];
  const errors: EngineError[] = [];
  const conversations = createConversations({
    settings: defaultConversation,
    contextTokens: null,
    restored: new Map(),
    emit,
    notify,
  });
  let sample: (sampled: GpuSample[]) => void = () => {};
  const guard = createVramGuard({
    gpus: monitor((listener) => void (sample = listener)),
    settings: { vramLimit, stallTimeoutMs },
    conversations: hasConversations ? conversations : null,
    workers: createWorkerLimit(startWorkers, (count) => void workers.push(count)),
    emit,
    notify,
    fail: (error) => void errors.push(error),
  });
  return {
    guard,
    workers,
    errors,
    conversations,
    notices,
    feed: (...percents) =>
      percents.map((percent) => {
        const before = events.length;
        sample(gpus(percent));
        return events.slice(before).find((event) => event.type === 'vram-guard')?.did ?? null;
      }),
  };
}

function talk(conversations: Conversations, worker: number, turns: number): void {
  for (let count = 0; count < turns; count++) {
    const request = chat(`r${count}`);
    conversations.extend(worker, request);
    conversations.accept(worker, request, completion('x').body);
  }
}

const full = (count: number): number[] => Array.from({ length: count }, () => 90);
const rest = [null, null, null];

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('full GPU memory', () => {
  test('halves the workers down to one, then pauses, with three samples between', () => {
    const { feed, workers, notices } = open({ share: 0.8 });
    expect(feed(...full(14))).toEqual(['lower', ...rest, 'lower', ...rest, 'pause', ...rest, null, null]);
    expect(workers).toEqual([2, 1, 0]);
    expect(notices).toEqual([
      'GPU memory is at 90.0% (limit 80.0%): 2 of 4 workers continue',
      'GPU memory is at 90.0% (limit 80.0%): 1 of 2 workers continue',
      'GPU memory is at 90.0% (limit 80.0%): nothing is sent until there is room',
    ]);
  });

  test('trims the histories first', () => {
    const { feed, conversations, notices } = open({ share: 0.8 }, { hasConversations: true });
    talk(conversations, 0, 3);
    talk(conversations, 1, 30);
    expect(feed(...full(5))).toEqual(['trim', ...rest, 'lower']);
    expect(conversations.extend(1, chat('next')).place.history).toBe(40);
    expect(conversations.extend(0, chat('next')).place.history).toBe(6);
    expect(notices[0]).toBe(
      'a history was trimmed to 40 messages (GPU memory is at 90.0% (limit 80.0%)); later trims are counted',
    );
  });

  test('with no history to trim takes the next step at once', () => {
    expect(open({ share: 0.8 }, { hasConversations: true }).feed(90)).toEqual(['lower']);
  });

  test('trims again when there was room in between', () => {
    const { feed, conversations } = open({ share: 0.8 }, { hasConversations: true });
    talk(conversations, 0, 1);
    expect(feed(90, 50, 50, 50)).toEqual(['trim', ...rest]);
    talk(conversations, 0, 1);
    expect(feed(90)).toEqual(['trim']);
  });

  test('is no matter under the limit', () => {
    expect(open({ share: 0.8 }).feed(79, 10, 79.9)).toEqual(rest);
  });
});

describe('a pause', () => {
  const paused = (limit: VramLimit): Watch => {
    const watch = open(limit, { startWorkers: 1 });
    expect(watch.feed(10, 90)).toEqual([null, 'pause']);
    return watch;
  };

  test('ends when there is room again, not before', () => {
    const { feed, workers, notices } = paused({ share: 0.8 });
    feed(79, 78.5);
    expect(workers).toEqual([0]);
    feed(77);
    expect(workers).toEqual([0, 1]);
    expect(notices.at(-1)).toBe('GPU memory is at 77.0% (limit 80.0%): the run continues');
    expect(vi.getTimerCount()).toBe(0);
  });

  test('that was asked for and lasts too long ends the run', () => {
    const { errors, workers } = paused({ share: 0.8 });
    vi.advanceTimersByTime(stallTimeoutMs - 1);
    expect(errors).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(errors).toMatchObject([
      { kind: 'out-of-memory', exitCode: 4, hint: expect.stringContaining('Use a higher --vram-limit') },
    ]);
    expect(workers).toEqual([0]);
  });

  test('that nobody asked for is given up instead, and then only growth counts', () => {
    const { feed, errors, workers } = paused('auto');
    vi.advanceTimersByTime(stallTimeoutMs);
    expect([errors, workers]).toEqual([[], [0, 1]]);
    expect(feed(90, 90, 90, 91, 93)).toEqual([...rest, null, 'pause']);
  });

  test('leaves no timer behind when the run ends', () => {
    const { guard, errors } = paused({ share: 0.8 });
    guard.close();
    vi.advanceTimersByTime(stallTimeoutMs);
    expect(errors).toEqual([]);
  });
});

describe('a model that fills the card alone', () => {
  test('is said once under the default limit, and only growth counts', () => {
    const { feed, notices } = open('auto');
    expect(feed(95, 95, 96, 95, 95, 97.5)).toEqual([null, ...rest, null, 'lower']);
    expect(notices).toHaveLength(2);
    expect(notices[0]).toMatch(/^GPU memory is at 95\.0% \(limit 87\.5%\) with the model just loaded: .*smaller quant/);
  });

  test('is too much for a limit that was asked for', () => {
    expect(open({ share: 0.875 }).feed(95)).toEqual(['lower']);
  });
});

describe('a run', () => {
  beforeEach(() => void vi.useRealTimers());

  /** A run whose GPU fills up when ten of its 50 requests are answered. */
  async function fillingUp(vramLimit: VramLimit, stallTimeout = stallTimeoutMs) {
    let sample: (sampled: GpuSample[]) => void = () => {};
    const watched = prepare(await openMock(), {
      maxWorkers: 2,
      settings: settings({ vramLimit, stallTimeoutMs: stallTimeout }),
      gpus: monitor((listener) => void (sample = listener)),
      record(_row, line) {
        if (watched.lines.push(line) === 10) for (const percent of [10, ...full(5)]) sample(gpus(percent));
        return undefined;
      },
    });
    return { ...watched, sample: (percent: number) => sample(gpus(percent)) };
  }

  test('sends nothing in a pause, and all the rest after it', async () => {
    const { run, lines, sample, events } = await fillingUp({ share: 0.8 });
    const ended = runRequests(run);
    await waitUntil(() => events.some((event) => event.type === 'vram-guard' && event.did === 'pause'));
    for (let count = 0; count < 50; count++) await turn();
    const sent = events.filter(({ type }) => type === 'request-start').length;
    expect(sent).toBeLessThan(13);
    expect(lines).toHaveLength(sent);
    sample(20);
    await ended;
    expect(lines).toHaveLength(50);
  });

  test('ends when a pause lasts as long as a stall may', async () => {
    const { run, lines } = await fillingUp({ share: 0.8 }, 50);
    await expect(runRequests(run)).rejects.toMatchObject({ kind: 'out-of-memory', exitCode: 4 });
    expect(lines.length).toBeLessThan(13);
  });

  test('is not held up by the default limit', async () => {
    const { run, lines } = await fillingUp('auto', 50);
    await runRequests(run);
    expect(lines).toHaveLength(50);
  });

  test('is stopped in a pause at once', async () => {
    const { run, lines, stop, events } = await fillingUp({ share: 0.8 });
    const ended = runRequests(run);
    await waitUntil(() => events.some((event) => event.type === 'vram-guard' && event.did === 'pause'));
    stop.abort();
    await ended;
    expect(lines.length).toBeLessThan(13);
  });
});
