import { afterEach, expect, test, vi } from 'vitest';
import type { Backend } from '../../../src/core/backend.ts';
import type { Completion } from '../../../src/core/completion.ts';
import { openRequest } from '../../helpers/open-request.ts';
import { type PlantedCauses, plantedMock } from '../../helpers/planted-mock.ts';

const open = (causes: PlantedCauses, options: Record<string, unknown> = {}): Promise<Backend> =>
  plantedMock(causes).open(openRequest('mock', { options }));

const ids = (count: number): string[] => Array.from({ length: count }, (_, index) => `request-${index}`);

async function ask(backend: Backend, id: string): Promise<Completion> {
  const body = { model: 'mock', messages: [{ role: 'user', content: 'how are you' }] };
  const answer = await backend.generate(
    { id, line: 1, endpoint: '/v1/chat/completions', body },
    { signal: new AbortController().signal, onFirstToken: () => {}, onActivity: () => {}, worker: 0 },
  );
  if (answer.status === 'failed') throw new Error(`${answer.kind}: ${answer.message}`);
  return answer;
}

/** The time that an answer takes by a clock that only timers turn. */
async function latencyOf(backend: Backend, id: string): Promise<number> {
  if (!vi.isFakeTimers()) vi.useFakeTimers();
  const startedAt = performance.now();
  const ended = ask(backend, id).then(() => performance.now() - startedAt);
  await vi.runAllTimersAsync();
  return ended;
}

afterEach(() => void vi.useRealTimers());

test('slowdown makes each answer slower than the ones before it', async () => {
  const backend = await open({ slowdown: 1000 }, { latency_ms: 10 });
  const latencies = [];
  for (const id of ids(3)) latencies.push(await latencyOf(backend, id));
  expect(latencies).toEqual([10, 20, 30]);
});

test('contention makes an answer slower by those that are in flight with it', async () => {
  const backend = await open({ contention: 2 }, { latency_ms: 10 });
  expect(await Promise.all(ids(2).map((id) => latencyOf(backend, id)))).toEqual([10, 30]);
  expect(await latencyOf(backend, 'alone')).toBe(10);
});

test('promptGrowth makes each prompt longer, and prompt_tokens_per_second slower to read', async () => {
  const backend = await open({ promptGrowth: 20 }, { prompt_tokens_per_second: 1000 });
  const tokens: number[] = [];
  for (const id of ids(3)) tokens.push((await ask(backend, id)).body.usage!.prompt_tokens);
  expect(tokens).toEqual([3, 23, 43]);
  expect(await latencyOf(backend, 'fourth')).toBe(60);
});

test('busyMs keeps this process busy, and the memory of the model is told', async () => {
  const memory = { weightsBytes: null, loadedBytes: 8e9, vramBytes: 6e9 };
  const backend = await open({ busyMs: 20, memory });
  // A clock that goes on by a millisecond with each look.
  let nowMs = 0;
  const looks = vi.spyOn(performance, 'now').mockImplementation(() => nowMs++);
  await ask(backend, 'a');
  expect(looks.mock.calls.length).toBeGreaterThanOrEqual(20);
  looks.mockRestore();
  expect(await backend.inspection?.memory?.()).toEqual(memory);
  expect(await (await open({})).inspection?.memory?.()).toBeNull();
});
