import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Supervision } from '../../../src/core/backend.ts';
import { failure } from '../../../src/core/completion.ts';
import { EngineError } from '../../../src/core/errors.ts';
import type { Outages } from '../../../src/scheduler/outages.ts';
import { type SilenceWatch, watchSilence } from '../../../src/scheduler/watches/watch-silence.ts';
import { openMock } from '../requests.ts';

type Look = NonNullable<Supervision['look']>;

const seen = { told: [] as string[], looks: [] as number[], settled: 0, losses: 0, failed: [] as Error[] };
let silentSince = 0;
let isAway = false;
let watch: SilenceWatch | null = null;

/** Something comes from the engine. */
const hear = (): void => void (silentSince = performance.now());

async function open(
  look: Look,
  settle: Outages['settle'] = async () => 'here',
  isOneOfSeveral = false,
): Promise<SilenceWatch> {
  const outages: Outages = {
    isOn: () => isAway,
    ended: () => 0,
    settle(...asked) {
      seen.settled++;
      return settle(...asked);
    },
    confirm: async () => 'here',
    noteLoss: () => void seen.losses++,
    stop: () => {},
  };
  hear();
  watch = watchSilence({
    backend: {
      ...(await openMock()),
      supervision: {
        look(signal) {
          seen.looks.push(Math.round((performance.now() - silentSince) / 1000));
          return look(signal);
        },
      },
    },
    inFlight: { silentMs: () => performance.now() - silentSince, count: () => 1 },
    outages,
    team: { hasSeveral: isOneOfSeveral },
    notify: ({ text }) => void seen.told.push(text),
    stallTimeoutMs: 300_000,
    fail: (error) => void seen.failed.push(error),
  });
  return watch;
}

beforeEach(() => {
  vi.useFakeTimers();
  isAway = false;
  Object.assign(seen, { told: [], looks: [], settled: 0, losses: 0, failed: [] });
});
afterEach(() => {
  watch?.close();
  vi.useRealTimers();
});

describe('a silent engine is asked', () => {
  test('after some seconds, and then ever more seldom, though never more than half a minute apart', async () => {
    await open(async () => 'busy');
    await vi.advanceTimersByTimeAsync(120_000);
    expect(seen.looks).toEqual([3, 6, 12, 24, 48, 78, 108]);
  });

  test('not while anything comes', async () => {
    await open(async () => 'busy');
    for (let count = 0; count < 100; count++) {
      await vi.advanceTimersByTimeAsync(1000);
      hear();
    }
    expect(seen.looks).toEqual([]);
  });

  test('later where its answers take long', async () => {
    const { onAnswer } = await open(async () => 'busy');
    for (let count = 0; count < 50; count++) onAnswer(5000);
    await vi.advanceTimersByTimeAsync(16_000);
    expect(seen.looks).toEqual([15]);
  });

  test('not while it is known to be away', async () => {
    await open(async () => 'busy');
    isAway = true;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(seen.looks).toEqual([]);
  });

  test('once at a time', async () => {
    await open(() => new Promise(() => {}));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(seen.looks).toEqual([3]);
  });
});

describe('what it says', () => {
  test('that it works, however long: nothing is ended', async () => {
    await open(async () => 'busy');
    await vi.advanceTimersByTimeAsync(600_000);
    expect([seen.settled, seen.losses]).toEqual([0, 0]);
  });

  test('that it takes no requests: it is waited for', async () => {
    await open(async () => failure('connection', 'refused'));
    await vi.advanceTimersByTimeAsync(4000);
    expect([seen.settled, seen.losses]).toEqual([1, 0]);
  });

  test('that it is not to be asked: nothing follows', async () => {
    await open(async () => failure('unauthorized', 'no'));
    await vi.advanceTimersByTimeAsync(60_000);
    expect([seen.losses, seen.failed]).toEqual([0, []]);
  });

  test('that waiting for it is hopeless: the run ends', async () => {
    const gone = new EngineError('unusable', 'gone');
    await open(
      async () => failure('connection', 'refused'),
      () => Promise.reject(gone),
    );
    await vi.advanceTimersByTimeAsync(4000);
    expect(seen.failed).toEqual([gone]);
  });

  test('nothing, for the question failed: nothing follows', async () => {
    await open(() => Promise.reject(new TypeError('odd')));
    await vi.advanceTimersByTimeAsync(60_000);
    expect([seen.looks.length > 1, seen.settled, seen.failed]).toEqual([true, 0, []]);
  });
});

describe('an engine that works on nothing has lost what is in flight', () => {
  test('when it says so twice', async () => {
    await open(async () => 'idle');
    await vi.advanceTimersByTimeAsync(3500);
    expect(seen.losses).toBe(0);
    await vi.advanceTimersByTimeAsync(3000);
    expect(seen.losses).toBe(1);
  });

  test('not where something came between', async () => {
    await open(async () => 'idle');
    for (let count = 0; count < 10; count++) {
      await vi.advanceTimersByTimeAsync(3500);
      hear();
    }
    expect(seen.losses).toBe(0);
  });

  test('not where something came while it was asked', async () => {
    await open(async () => {
      hear();
      return 'idle';
    });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(seen.losses).toBe(0);
  });

  test('once until the next answer: who is asked may be another one than who works', async () => {
    const { onAnswer } = await open(async () => 'idle');
    for (let count = 0; count < 20; count++) {
      await vi.advanceTimersByTimeAsync(30_000);
      hear();
    }
    expect(seen.losses).toBe(1);
    onAnswer(10);
    hear();
    await vi.advanceTimersByTimeAsync(30_000);
    expect(seen.losses).toBe(2);
  });
});

describe('a long silence', () => {
  const silence = (time: string): string =>
    `nothing has come from the engine for ${time}: it may be at work on a long prompt, or hang; after 5m 00s it counts as hung (--stall-timeout)`;

  test('is told once, and its end; the next one where it lasts twice as long', async () => {
    await open(async () => 'busy');
    await vi.advanceTimersByTimeAsync(29_000);
    expect(seen.told).toEqual([]);
    await vi.advanceTimersByTimeAsync(31_000);
    expect(seen.told).toEqual([silence('30.0 s')]);
    hear();
    await vi.advanceTimersByTimeAsync(119_000);
    expect(seen.told.slice(1)).toEqual(['the engine sends again, after 1m 00s']);
    await vi.advanceTimersByTimeAsync(2000);
    expect(seen.told.slice(2)).toEqual([silence('2m 00s')]);
  });

  test('of an engine that is known to be away is not told, nor the end of one after which all was given up', async () => {
    isAway = true;
    await open(async () => 'busy');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(seen.told).toEqual([]);
    isAway = false;
    hear();
    await vi.advanceTimersByTimeAsync(40_000);
    isAway = true;
    hear();
    await vi.advanceTimersByTimeAsync(1000);
    expect(seen.told).toEqual([silence('30.0 s')]);
    isAway = false;
    await vi.advanceTimersByTimeAsync(300_000);
    hear();
    await vi.advanceTimersByTimeAsync(1000);
    expect(seen.told.slice(1)).toEqual([silence('30.0 s')]);
  });
});
