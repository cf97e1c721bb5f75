import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { FlightSample } from '../../src/core/measurements.ts';
import type { BatchRequest } from '../../src/core/request.ts';
import { type FlightEntry, type InFlight, createInFlight } from '../../src/scheduler/in-flight.ts';

const request: BatchRequest = { id: 'a', line: 1, endpoint: '/v1/chat/completions', body: { model: 'm' } };
let inFlight: InFlight;
let stalls: number[];
let isSilent = false;

function open(timeoutMs: number | null, slots: number | null = null): void {
  stalls = [];
  isSilent = false;
  inFlight = createInFlight({
    timeoutMs,
    stallTimeoutMs: 10_000,
    slots,
    mayBeSilent: () => isSilent,
    onStall: (silentMs) => void stalls.push(silentMs),
    onSample: () => {},
    watch: () => {},
  });
}

const start = (count: number): FlightEntry[] => Array.from({ length: count }, () => inFlight.start(request));
const causesOf = (entries: FlightEntry[]) => entries.map(({ cause }) => cause);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  inFlight.close();
  vi.useRealTimers();
});

describe('the time of an attempt', () => {
  test('counts from its sending where the engine has room for it', () => {
    open(1000, 2);
    const entries = start(2);
    vi.advanceTimersByTime(900);
    expect(causesOf(entries)).toEqual([null, null]);
    vi.advanceTimersByTime(300);
    expect(causesOf(entries)).toEqual(['timeout', 'timeout']);
    expect(inFlight.signalOf(entries[0]!).aborted).toBe(true);
  });

  test('counts from its sending where nobody knows the room, and no answer ever came', () => {
    open(1000);
    const entries = start(3);
    vi.advanceTimersByTime(1200);
    expect(causesOf(entries)).toEqual(['timeout', 'timeout', 'timeout']);
  });

  test.each([null, 1])('counts from the last answer while it may wait for that, with slots: %s', (slots) => {
    open(1000, slots);
    const entries = start(3);
    inFlight.touch(entries[0]!);
    vi.advanceTimersByTime(900);
    inFlight.end(entries[0]!, true);
    vi.advanceTimersByTime(900);
    expect(causesOf(entries)).toEqual([null, null, null]);
    inFlight.end(entries[1]!, true);
    vi.advanceTimersByTime(900);
    expect(entries[2]!.cause).toBeNull();
    vi.advanceTimersByTime(300);
    expect(entries[2]!.cause).toBe('timeout');
  });

  test('does not begin anew with what was no answer', () => {
    open(1000);
    const entries = start(2);
    vi.advanceTimersByTime(900);
    inFlight.end(entries[0]!, false);
    vi.advanceTimersByTime(300);
    expect(entries[1]!.cause).toBe('timeout');
  });

  test('counts from its first sign of life, and not from those of the others', () => {
    open(1000, 1);
    const [first, second] = start(2) as [FlightEntry, FlightEntry];
    vi.advanceTimersByTime(500);
    inFlight.end(first, true);
    inFlight.touch(second);
    const third = inFlight.start(request);
    vi.advanceTimersByTime(900);
    inFlight.end(third, true);
    vi.advanceTimersByTime(300);
    expect(second.cause).toBe('timeout');
  });

  test('ends one that hangs among many that are answered', () => {
    open(1000);
    const [hanging] = start(1);
    for (let count = 0; count < 100 && hanging!.cause === null; count++) {
      const other = inFlight.start(request);
      vi.advanceTimersByTime(100);
      inFlight.end(other, true);
    }
    expect(hanging!.cause).toBe('timeout');
  });

  test('is never up for one that waits behind others, however long that takes', () => {
    open(1000);
    const queue = start(30);
    for (const [index, entry] of queue.entries()) {
      vi.advanceTimersByTime(900);
      expect(causesOf(queue.slice(index))).toEqual(Array(30 - index).fill(null));
      inFlight.end(entry, true);
    }
  });

  test('does not pass while the engine is being started', () => {
    open(1000, 4);
    const [entry] = start(1);
    isSilent = true;
    vi.advanceTimersByTime(60_000);
    isSilent = false;
    vi.advanceTimersByTime(900);
    expect(entry!.cause).toBeNull();
    vi.advanceTimersByTime(300);
    expect(entry!.cause).toBe('timeout');
  });
});

describe('an attempt in flight', () => {
  test('is ended with all others when nothing came from the engine for any of them', () => {
    open(null);
    const entries = [inFlight.start(request), inFlight.start(request)];
    vi.advanceTimersByTime(9000);
    inFlight.touch(entries[0]!);
    vi.advanceTimersByTime(9900);
    expect(stalls).toEqual([]);
    expect(inFlight.silentMs()).toBe(9900);
    vi.advanceTimersByTime(300);
    expect(entries.map(({ cause }) => cause)).toEqual(['stalled', 'stalled']);
    expect(stalls).toHaveLength(1);
    expect(stalls[0]).toBeGreaterThan(10_000);
  });

  test('does not stall while the engine is being started, and the silence counts from its end', () => {
    open(null);
    const entry = inFlight.start(request);
    isSilent = true;
    vi.advanceTimersByTime(60_000);
    isSilent = false;
    vi.advanceTimersByTime(9000);
    expect(entry.cause).toBeNull();
    vi.advanceTimersByTime(2000);
    expect(entry.cause).toBe('stalled');
  });

  test('does not stall because the engine was idle before it', () => {
    open(null);
    vi.advanceTimersByTime(60_000);
    const entry = inFlight.start(request);
    vi.advanceTimersByTime(9000);
    expect(entry.cause).toBeNull();
  });

  test('is not ended once it is over', () => {
    open(100);
    const entry = inFlight.start(request);
    inFlight.touch(entry);
    inFlight.end(entry, true);
    vi.advanceTimersByTime(60_000);
    inFlight.abortAll('stopped');
    expect([entry.cause, stalls, inFlight.silentMs()]).toEqual([null, [], 0]);
  });

  test('keeps its first cause, and a signal that is asked for late is aborted already', () => {
    open(null);
    const entry = inFlight.start(request);
    inFlight.abortAll('stopped');
    inFlight.abortAll('stalled');
    expect(entry.cause).toBe('stopped');
    expect(inFlight.signalOf(entry).aborted).toBe(true);
  });

  test('is left alone by the end of those that were silent, where it gave a sign of life', () => {
    open(null);
    const [silent, alive] = start(2) as [FlightEntry, FlightEntry];
    vi.advanceTimersByTime(3000);
    inFlight.touch(alive);
    const young = inFlight.start(request);
    vi.advanceTimersByTime(1000);
    expect(inFlight.abortSilent(2000, 'away')).toBe(2);
    expect(causesOf([silent, alive, young])).toEqual(['away', null, 'away']);
  });
});

describe('the clock', () => {
  test('of the wall is asked nothing: an hour forward or back changes nothing', () => {
    open(1000, 4);
    const [entry] = start(1);
    vi.setSystemTime(Date.now() + 3_600_000);
    vi.advanceTimersByTime(900);
    expect(entry!.cause).toBeNull();
    vi.setSystemTime(Date.now() - 7_200_000);
    vi.advanceTimersByTime(300);
    expect(entry!.cause).toBe('timeout');
  });

  test('that jumps while the computer slept ends nothing: all times begin anew', () => {
    let sleptMs = 0;
    const ignored = { mayBeSilent: () => false, onSample: () => {}, watch: () => {} };
    const options = { timeoutMs: 1000, stallTimeoutMs: 10_000, slots: 4, ...ignored };
    inFlight = createInFlight({ ...options, onStall: () => expect.fail(), now: () => performance.now() + sleptMs });
    const entries = start(2);
    inFlight.touch(entries[0]!);
    vi.advanceTimersByTime(500);
    sleptMs = 3_600_000;
    vi.advanceTimersByTime(900);
    expect(causesOf(entries)).toEqual([null, null]);
    vi.advanceTimersByTime(300);
    expect(causesOf(entries)).toEqual(['timeout', 'timeout']);
  });
});

test('a sample tells of each its age, its tokens, how many it may have, and the bytes of its line', () => {
  const samples: FlightSample[] = [];
  const ignored = { mayBeSilent: () => false, onStall: () => {}, timeoutMs: null, stallTimeoutMs: 10_000, slots: null };
  inFlight = createInFlight({ ...ignored, onSample: (sample) => void samples.push(sample) });
  inFlight.start(request).pieces = 7;
  vi.advanceTimersByTime(200);
  inFlight.start({ ...request, bytes: 90, body: { model: 'm', max_tokens: 300 } });
  inFlight.start({ ...request, body: { model: 'm', max_tokens: 300, max_completion_tokens: 20 } });
  vi.advanceTimersByTime(300);
  expect(samples.map(({ each }) => each)).toEqual([
    { agesMs: [500, 300, 300], tokens: [7, 0, 0], limits: [null, 300, 20], bytes: [0, 90, 0] },
  ]);
});
