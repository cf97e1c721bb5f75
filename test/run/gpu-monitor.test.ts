import { expect, test } from 'vitest';
import type { Backend } from '../../src/core/backend.ts';
import type { RunEvent } from '../../src/core/events.ts';
import type { GpuSample } from '../../src/core/measurements.ts';
import { createGpuMonitor } from '../../src/run/gpu-monitor.ts';
import { gpus } from '../scheduler/gpu-samples.ts';
import { openMock } from '../scheduler/requests.ts';

/** A monitor with one subscriber, and what it told. */
function open() {
  const events: RunEvent[] = [];
  const heard: GpuSample[][] = [];
  const monitor = createGpuMonitor((event) => void events.push(event));
  const unsubscribe = monitor.subscribe((sample) => void heard.push(sample));
  return { monitor, unsubscribe, counts: () => [events.length, heard.length] };
}

const engine = async (usesLocalGpus?: boolean): Promise<Backend> => {
  const backend = await openMock();
  return { ...backend, info: { ...backend.info, ...(usesLocalGpus === undefined ? {} : { usesLocalGpus }) } };
};

test('samples are counted and passed on, until the subscription ends', async () => {
  const { monitor, unsubscribe, counts } = open();
  monitor.add(gpus(10));
  monitor.setEngine(await engine());
  monitor.add(gpus(20));
  expect(counts()).toEqual([2, 2]);
  unsubscribe();
  monitor.add(gpus(30));
  expect(counts()).toEqual([3, 2]);
});

test('the GPUs of this machine say nothing of an engine on another one', async () => {
  const { monitor, counts } = open();
  monitor.setEngine(await engine(false));
  monitor.add(gpus(10));
  expect(counts()).toEqual([0, 0]);
});

test('a model that lies all in the memory of the machine has no part in what the GPUs hold; the next one may', async () => {
  const { monitor, counts } = open();
  monitor.setEngine(await engine(true));
  monitor.setMemory({ weightsBytes: 1, loadedBytes: 2, vramBytes: 0 });
  monitor.add(gpus(10));
  expect(counts()).toEqual([1, 0]);
  monitor.setEngine(await engine(true));
  monitor.add(gpus(20));
  expect(counts()).toEqual([2, 1]);
});
