import { expect, test } from 'vitest';
import type { ResultSample, RunEvent } from '../../src/core/events.ts';
import type { EngineLoad, FlightSample } from '../../src/core/measurements.ts';
import { createMeter } from '../../src/metrics/meter.ts';
import { attemptEnd } from '../helpers/attempt-end.ts';

const success: ResultSample = {
  kind: null,
  promptTokens: 100,
  completionTokens: 20,
  cachedTokens: 80,
  latencyMs: 500,
  ttftMs: 50,
  queueMs: null,
  attempts: 1,
  endedAt: 1,
};

const names = ['desktop:8000', 'laptop:11434'];

/** A run on two servers, of which the first one has started. */
function startServers(total: number | null = 100) {
  const clock = { ms: 5000 };
  const meter = createMeter({ now: () => clock.ms });
  meter.add({ type: 'servers', names });
  clock.ms += 2000;
  meter.add({ type: 'model-start', total, workers: 4, maxWorkers: 8, contextTokens: 4096, loadMs: 1000 });
  const add = (server: number, event: RunEvent): void => meter.add({ ...event, server });
  const start = (server: number, workers: number, loadMs: number | null = null): void => {
    add(server, { type: 'server-start', name: names[server]!, workers, maxWorkers: workers * 2, loadMs });
  };
  start(0, 4, 1000);
  return {
    clock,
    meter,
    add,
    start,
    send: (server: number) => add(server, { type: 'request-start' }),
    end: (server: number, sample: ResultSample = success) => add(server, attemptEnd(sample)),
    record: (server: number, sample: ResultSample = success) =>
      meter.add({ type: 'result-end', sample: { ...sample, server: names[server]! } }),
    state: (server: number, state: 'up' | 'away' | 'out', reason?: string) =>
      add(server, { type: 'server-state', state, ...(reason !== undefined && { reason }) }),
    servers: () => meter.snapshot().servers!,
  };
}

test('a run on one engine has no servers', () => {
  const meter = createMeter({ now: () => 0 });
  meter.add({ type: 'model-start', total: 1, workers: 4, maxWorkers: 8, contextTokens: null, loadMs: null });
  expect(meter.snapshot().servers).toBeNull();
});

test('a server that is being opened is told, and what is not measured is null', () => {
  const { servers } = startServers();
  expect(servers()).toMatchObject([
    { name: 'desktop:8000', state: 'up', workers: 4, share: null, latencyMs: null, cacheHitRate: null },
    { name: 'laptop:11434', state: 'starting', stateSeconds: 2, workers: 0, awaySeconds: 0, idleSeconds: 0 },
  ]);
});

test('requests, rates, tokens and times count for the server that had them', () => {
  const { clock, start, send, end, record, servers, meter } = startServers();
  clock.ms += 10_000;
  start(1, 2);
  const [fast, slow] = [0, 1];
  for (let count = 0; count < 20; count++) {
    for (const server of count % 4 === 0 ? [fast, slow] : [fast]) {
      send(server);
      end(server, { ...success, latencyMs: server === fast ? 200 : 900 });
      record(server, { ...success, latencyMs: server === fast ? 200 : 900 });
    }
    clock.ms += 500;
  }
  send(slow);
  const generation = { recent: 20 * 2, basis: 'live' };
  expect(servers()).toMatchObject([
    { answered: 20, share: 0.8, inFlight: 0, latencyMs: { p50: 200 }, rates: { requests: { overall: 1 } } },
    {
      answered: 5,
      share: 0.2,
      inFlight: 1,
      latencyMs: { p50: 900 },
      rates: { requests: { recent: 0.5, overall: 0.5 } },
    },
  ]);
  expect(servers()[0]!.rates.generation).toMatchObject({ ...generation, recent: 20 });
  expect(servers().map(({ cacheHitRate }) => cacheHitRate)).toEqual([0.8, 0.8]);
  const { progress, rates } = meter.snapshot();
  expect([progress.done, rates.requests.overall]).toEqual([25, 25 / 20]);
});

test('tokens count as each server tells of them', () => {
  const { clock, start, add, send, servers, meter } = startServers();
  start(1, 2);
  [0, 1].forEach(send);
  const flight = (generated: number): FlightSample => ({
    generated,
    promptComputed: 0,
    promptCached: 0,
    writing: 1,
    tokens: generated,
    oldest: null,
    each: { agesMs: [], tokens: [], limits: [], bytes: [] },
  });
  for (let second = 0; second < 20; second++) {
    clock.ms += 1000;
    add(0, { type: 'flight', flight: flight(30) });
    add(1, { type: 'flight', flight: flight(10) });
  }
  expect(servers().map(({ rates }) => rates.generation.overall)).toEqual([30, 10]);
  expect(meter.snapshot().rates.generation.overall).toBe(40);
});

test('an attempt that failed is a failed attempt, one that another server took over is none', () => {
  const { send, end, record, add, servers } = startServers();
  const failure: ResultSample = { ...success, kind: 'timeout', attempts: 2 };
  send(0);
  end(0, failure);
  add(0, { type: 'request-retry', kind: 'timeout', attempt: 1, delayMs: 0 });
  send(0);
  end(0, failure);
  record(0, failure);
  add(0, { type: 'request-retry', kind: 'connection', attempt: 1, delayMs: 0, isGivenAway: true });
  record(0, { ...failure, kind: 'input', attempts: 0 });
  expect(servers()[0]).toMatchObject({ answered: 0, failed: 1, failedAttempts: 2, share: null, latencyMs: null });
});

test('the time away counts from its state, and an outage that goes on counts already', () => {
  const { clock, state, add, servers } = startServers();
  state(0, 'away', 'connect ECONNREFUSED');
  clock.ms += 3000;
  expect(servers()[0]).toMatchObject({
    state: 'away',
    reason: 'connect ECONNREFUSED',
    stateSeconds: 3,
    awaySeconds: 3,
    idleSeconds: 0,
    outages: 1,
  });
  add(0, { type: 'engine-outage' });
  state(0, 'up');
  clock.ms += 1000;
  state(0, 'out', 'No such key.');
  clock.ms += 2000;
  expect(servers()[0]).toMatchObject({ state: 'out', awaySeconds: 5, idleSeconds: 1, outages: 2, stateSeconds: 2 });
  state(0, 'up');
  expect(servers()[0]).toMatchObject({ state: 'up', reason: null, stateSeconds: 0, outages: 2 });
});

test('a server that is told to be away for a second already was not idle in it', () => {
  const { clock, send, end, add, servers } = startServers();
  send(0);
  clock.ms += 5000;
  end(0);
  clock.ms += 1500;
  add(0, { type: 'server-state', state: 'away', forMs: 1000 });
  clock.ms += 2000;
  expect(servers()[0]).toMatchObject({ stateSeconds: 3, awaySeconds: 3, idleSeconds: 0.5 });
});

test('a server that could not be opened is away until it takes part', () => {
  const { clock, state, start, servers } = startServers();
  state(1, 'away', 'connect ECONNREFUSED');
  clock.ms += 10_000;
  start(1, 2);
  clock.ms += 1000;
  expect(servers()[1]).toMatchObject({ state: 'up', reason: null, awaySeconds: 10, idleSeconds: 1 });
});

test('a server is idle while it is up with nothing in flight and the run has work, and not after its end', () => {
  const { clock, start, send, end, record, servers } = startServers(2);
  start(1, 2);
  send(0);
  send(1);
  clock.ms += 1000;
  end(0);
  record(0);
  clock.ms += 4000;
  expect(servers().map(({ idleSeconds }) => idleSeconds)).toEqual([4, 0]);
  end(1);
  clock.ms += 200;
  record(1);
  clock.ms += 60_000;
  expect(servers().map(({ idleSeconds }) => idleSeconds)).toEqual([4, 0]);
});

test('the workers are those of all servers, and grow when one joins', () => {
  const { start, add, meter, servers } = startServers();
  expect(meter.snapshot().progress.workers).toEqual({ current: 4, atStart: 4, max: 8 });
  start(1, 3, 2500);
  add(1, { type: 'workers-change', workers: 7, ofServer: 3 });
  expect(meter.snapshot().progress.workers).toEqual({ current: 7, atStart: 7, max: 14 });
  add(0, { type: 'workers-change', workers: 5, ofServer: 2 });
  expect(servers().map(({ workers }) => workers)).toEqual([2, 3]);
});

test('of several servers that load a model the longest counts, of several models the sum', () => {
  const { start, meter } = startServers();
  start(1, 3, 2500);
  expect(meter.snapshot().times.loadMs).toBe(2500);
  meter.add({ type: 'model-start', total: 9, workers: 3, maxWorkers: 3, contextTokens: null, loadMs: 400 });
  expect(meter.snapshot().progress.workers).toEqual({ current: 3, atStart: 3, max: 3 });
  start(0, 4, 300);
  start(1, 3, 400);
  expect(meter.snapshot()).toMatchObject({ times: { loadMs: 2900 }, progress: { workers: { atStart: 7, max: 14 } } });
});

test('the load is the sum over the servers that tell and are at work', () => {
  const { start, send, end, add, state, meter } = startServers();
  start(1, 3);
  const tell = (server: number, load: EngineLoad | null): void => add(server, { type: 'engine-load', load });
  const load = (): EngineLoad | null => meter.snapshot().machine.engineLoad;
  [0, 1].forEach(send);
  tell(0, { running: 4, waiting: null, kvUsage: 0.5 });
  expect(load()).toEqual({ running: 4, waiting: null, kvUsage: 0.5 });
  tell(1, { running: 2, waiting: 1, kvUsage: 0.75, others: 1 });
  expect(load()).toEqual({ running: 6, waiting: 1, kvUsage: 0.75, others: 1 });
  state(1, 'away');
  expect(load()).toEqual({ running: 4, waiting: null, kvUsage: 0.5 });
  state(1, 'up');
  end(0);
  expect(load()).toMatchObject({ running: 2, waiting: 1 });
  tell(1, null);
  expect(load()).toBeNull();
});
