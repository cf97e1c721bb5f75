import { expect, test } from 'vitest';
import { createServerMetrics } from '../../../src/serve/metrics/server-metrics.ts';
import { metricsRoutes } from '../../../src/serve/routes/metrics.ts';
import { queueRoutes } from '../../../src/serve/routes/queue.ts';
import { openServer } from '../http/open-server.ts';
import { readMetrics, valuesOf } from '../metrics/read-metrics.ts';
import { createSmallQueue, describeBriefly } from './small-queue.ts';

const jsonOf = async (response: Response): Promise<unknown> => response.json();

test('the queue tells what runs, and the batches that go on in the order of their turns', async () => {
  const small = createSmallQueue();
  const { url } = await openServer(queueRoutes({ ...small, describe: describeBriefly }));
  const [second, over, first, running, paused, ending] = (
    ['in_progress', 'completed', 'in_progress', 'in_progress', 'in_progress', 'finalizing'] as const
  ).map((status) => small.add({ status }).id);
  small.setState({ running: running ?? null, waiting: [first ?? '', second ?? ''], loadedModel: 'a', modelLoads: 2 });
  expect(await jsonOf(await fetch(`${url}/v1/queue`))).toMatchObject({
    object: 'queue',
    running,
    waiting: [first, second],
    loaded_model: 'a',
    model_loads: 2,
    paused: null,
    problem: null,
    total: 5,
    data: [running, ending, first, second, paused].map((id) => ({ id })),
  });
  expect(over).toBeDefined();
});

test('of many batches the queue holds the first 50', async () => {
  const small = createSmallQueue();
  const { url } = await openServer(queueRoutes({ ...small, describe: describeBriefly }));
  for (let made = 0; made < 60; made++) small.add({});
  const queue = (await jsonOf(await fetch(`${url}/v1/queue`))) as { total: number; data: unknown[] };
  expect([queue.total, queue.data.length]).toEqual([60, 50]);
});

test('all batches are paused by who asks, and go on', async () => {
  const small = createSmallQueue();
  const { url } = await openServer(queueRoutes({ ...small, describe: describeBriefly }));
  const ask = async (does: string) => jsonOf(await fetch(`${url}/v1/queue/${does}`, { method: 'POST' }));
  expect(await ask('pause')).toMatchObject({ paused: { by: 'a client at 127.0.0.1' } });
  expect(await ask('resume')).toMatchObject({ paused: null });
});

test('metrics are told in the format of Prometheus', async () => {
  const small = createSmallQueue();
  small.add({ status: 'completed' });
  const { url } = await openServer(
    metricsRoutes({ metrics: createServerMetrics(), queue: small.queue, batches: small.batches }),
  );
  const response = await fetch(`${url}/metrics`);
  const text = await response.text();
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(readMetrics(text).length).toBeGreaterThan(10);
  expect(valuesOf(text, 'llmbatch_batches')).toMatchObject({ completed: 1 });
});
