import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { Backend } from '../../../src/core/backend.ts';
import { answerText } from '../../../src/core/completion.ts';
import { candidate } from '../candidates.ts';
import { completed, context } from '../conformance.ts';
import { openOn, startFake } from './open-openai-for-test.ts';

const inFlight = 1000;
const count = 5000;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Answers that are right, of `count` requests by `inFlight` workers. */
async function flood(backend: Backend): Promise<number> {
  let next = 0;
  let right = 0;
  const work = async (_: unknown, worker: number): Promise<void> => {
    while (next < count) {
      const { request, answer } = candidate(next++ % 500);
      const { signal } = new AbortController();
      const { body } = completed(await backend.generate(request, context({ worker, signal })));
      right += Number(answerText(body) === answer);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, work));
  return right;
}

test('5,000 requests, 1,000 at once: as many connections, and no leak', async () => {
  const server = await startFake({ slots: 256, tokenMs: 1, gathers: inFlight, keepAliveMs: 600_000 });
  const { backend } = await openOn(server, { workers: inFlight });
  const heaps: number[] = [];
  for (let round = 0; round < 2; round++) {
    expect(await flood(backend)).toBe(count);
    server.requests.length = 0;
    server.paths.length = 0;
    collectGarbage();
    heaps.push(process.memoryUsage().heapUsed);
  }
  expect(server.maxInFlight).toBe(inFlight);
  expect(server.maxConnections).toBeLessThanOrEqual(inFlight + 4);
  expect(heaps[1]).toBeLessThan((heaps[0] ?? 0) + 4 * 2 ** 20);
});
