import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type InFlight, createInFlight } from '../../src/engine/in-flight.ts';

let inFlight: InFlight;
let stalls: number[];
let isSilent = false;

function open(timeoutMs: number | null): void {
  stalls = [];
  isSilent = false;
  inFlight = createInFlight({
    timeoutMs,
    stallTimeoutMs: 10_000,
    mayBeSilent: () => isSilent,
    onStall: (silentMs) => void stalls.push(silentMs),
  });
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  inFlight.close();
  vi.useRealTimers();
});

describe('an attempt in flight', () => {
  test('times out from its first sign of life, not from its sending', () => {
    open(1000);
    const [queued, active] = [inFlight.start(), inFlight.start()];
    vi.advanceTimersByTime(5000);
    inFlight.touch(active);
    vi.advanceTimersByTime(900);
    expect(active.cause).toBeNull();
    vi.advanceTimersByTime(300);
    expect([queued.cause, active.cause]).toEqual([null, 'timeout']);
    expect(inFlight.signalOf(active).aborted).toBe(true);
  });

  test('is ended with all others when nothing came from the engine for any of them', () => {
    open(null);
    const entries = [inFlight.start(), inFlight.start()];
    vi.advanceTimersByTime(9000);
    inFlight.touch(entries[0]!);
    vi.advanceTimersByTime(9900);
    expect(stalls).toEqual([]);
    vi.advanceTimersByTime(300);
    expect(entries.map(({ cause }) => cause)).toEqual(['stalled', 'stalled']);
    expect(stalls).toHaveLength(1);
    expect(stalls[0]).toBeGreaterThan(10_000);
  });

  test('does not stall while the engine is being started, and the silence counts from its end', () => {
    open(null);
    const entry = inFlight.start();
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
    const entry = inFlight.start();
    vi.advanceTimersByTime(9000);
    expect(entry.cause).toBeNull();
  });

  test('is not ended once it is over', () => {
    open(100);
    const entry = inFlight.start();
    inFlight.touch(entry);
    inFlight.end(entry);
    vi.advanceTimersByTime(60_000);
    inFlight.abortAll('stopped');
    expect([entry.cause, stalls]).toEqual([null, []]);
  });

  test('keeps its first cause, and a signal that is asked for late is aborted already', () => {
    open(null);
    const entry = inFlight.start();
    inFlight.abortAll('stopped');
    inFlight.abortAll('stalled');
    expect(entry.cause).toBe('stopped');
    expect(inFlight.signalOf(entry).aborted).toBe(true);
  });
});
