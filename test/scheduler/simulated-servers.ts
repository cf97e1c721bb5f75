import type { ErrorKind } from '../../src/core/errors.ts';
import type { EngineLoad } from '../../src/core/measurements.ts';
import type { SimulatedServer } from './simulate.ts';

/** Numbers from 0 to below 1 that only the seed decides. */
export function seeded(seed: number): () => number {
  let state = seed + 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
    mixed = Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

type Duration = () => number;

/** Milliseconds that vary by 30 % to either side. */
export const around =
  (meanMs: number, random: () => number): Duration =>
  () =>
    meanMs * (0.7 + 0.6 * random());

/** From 20 ms to 2 s, as many in each decade. */
export const heavyTailed =
  (random: () => number): Duration =>
  () =>
    20 * 100 ** random();
export const heavyTailedMeanMs = (20 * 99) / Math.log(100);

/** Works on `slots` at a time; the others wait in a queue that has no end. */
export function queueing(slots: number, serviceMs: Duration): SimulatedServer {
  const freeAt = Array.from({ length: slots }, () => 0);
  return (now) => {
    const slot = freeAt.indexOf(Math.min(...freeAt));
    const endsAt = Math.max(now, freeAt[slot] ?? 0) + serviceMs();
    freeAt[slot] = endsAt;
    return { endsAt };
  };
}

/** Says no to what comes while it has `most`. */
export const refusing =
  (most: number, kind: ErrorKind, serviceMs: Duration): SimulatedServer =>
  (now, held) =>
    held >= most ? { endsAt: now + 5, kind } : { endsAt: now + serviceMs() };

/** All are answered together, each the slower the more there are: `half` of them get half of the most done. */
export const batching =
  (half: number, serviceMs: Duration): SimulatedServer =>
  (now, held) => ({ endsAt: now + serviceMs() * (1 + (held + 1) / half) });

/** Takes so many a second, whatever is in flight, and 10 at once after a rest. */
export function rateLimited(perSecond: number, serviceMs: Duration, retryAfterMs?: number): SimulatedServer {
  const size = 10;
  let tokens = size;
  let filledAt = 0;
  return (now) => {
    tokens = Math.min(size, tokens + ((now - filledAt) * perSecond) / 1000);
    filledAt = now;
    if (tokens >= 1) {
      tokens--;
      return { endsAt: now + serviceMs() };
    }
    return { endsAt: now + 5, kind: 'rate-limited', ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  };
}

/** A share of the requests fails by chance. */
export const faulty =
  (share: number, server: SimulatedServer, random: () => number): SimulatedServer =>
  (now, held) =>
    random() < share ? { endsAt: now + 20, kind: 'overloaded' } : server(now, held);

/** What a server says that works on `slots` at a time, of ours and of `others`. */
export const slotLoad =
  (slots: number, others = 0) =>
  (_now: number, held: number): EngineLoad => {
    const running = Math.min(slots, held + others);
    return { running, waiting: held + others - running, kvUsage: null, ...(others > 0 ? { others } : {}) };
  };
