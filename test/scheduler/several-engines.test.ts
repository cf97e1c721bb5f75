import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { failure } from '../../src/core/completion.ts';
import type { Partition } from '../../src/scheduler/queue/partitions.ts';
import { allIds, idsOf } from './prepare-run.ts';
import { items } from './requests.ts';
import { createServer, runTeam } from './simulated-engines.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const idsSorted = (lines: Parameters<typeof idsOf>[0]): string[] => idsOf(lines).toSorted();

describe('several engines', () => {
  test('share the requests by how fast they are, and each result names its own', async () => {
    const run = await runTeam([await createServer({ ms: 10 }), await createServer({ ms: 40 })], { count: 500 });
    expect(run.error).toBeNull();
    expect(idsSorted(run.lines)).toEqual(allIds(500).toSorted());
    expect(run.share('a') + run.share('b')).toBe(500);
    expect(run.share('a') / run.share('b')).toBeCloseTo(4, 0);
  });

  test('are all busy until the end', async () => {
    const servers = await Promise.all([20, 80, 300].map((ms) => createServer({ ms })));
    const { seconds } = await runTeam(servers, { count: 3000 });
    // Four workers each: 200, 50 and 13.3 requests a second.
    expect(3000 / seconds).toBeGreaterThan(0.95 * (200 + 50 + 4000 / 300));
  });

  test('of which one refuses the key go on without it, and it is told once', async () => {
    const refusing = await createServer({ answer: () => failure('unauthorized', 'No such key.') });
    const { lines, share, error, notices } = await runTeam([refusing, await createServer()]);
    expect([error, share('a'), share('b')]).toEqual([null, 0, 300]);
    expect(idsSorted(lines)).toEqual(allIds(300).toSorted());
    expect(lines.every(({ error: failed }) => failed === null)).toBe(true);
    expect(notices).toEqual([
      'a: left out (No such key.): the others continue, and it is not asked again in this run.',
    ]);
    expect(refusing.sent.length).toBeLessThanOrEqual(4);
  });

  test('try on each other what one fails, before it is a failure', async () => {
    const sick = await createServer({ answer: () => failure('server-error', 'Internal error.') });
    const { lines, error, share } = await runTeam([sick, await createServer()], { count: 60 });
    expect([error, share('b')]).toEqual([null, 60]);
    expect(lines.every(({ error: failed }) => failed === null)).toBe(true);
  });

  test('do not wait at the end for one that hangs', async () => {
    const hanging = await createServer();
    const run = await runTeam([hanging, await createServer()], { count: 60, at: [[50, () => hanging.become('hung')]] });
    expect(run.error).toBeNull();
    expect(idsSorted(run.lines)).toEqual(allIds(60).toSorted());
    expect(run.seconds).toBeLessThan(10);
    expect(run.share('b')).toBeGreaterThan(50);
  });

  test('begin without one that can not be opened', async () => {
    const { share, error } = await runTeam([null, await createServer()]);
    expect([error, share('b')]).toEqual([null, 300]);
  });

  test('stay each on its partition while there are enough', async () => {
    const partitions: Partition[] = [0, 1].map((half) => ({
      size: 40,
      items: (async function* () {
        for await (const batch of items(80)) {
          const own = batch.filter(({ row }) => (half === 0 ? row < 40 : row >= 40));
          if (own.length > 0) yield own;
        }
      })(),
    }));
    const servers = [await createServer(), await createServer()];
    const { lines } = await runTeam(servers, { partitions });
    expect(idsSorted(lines)).toEqual(allIds(80).toSorted());
    const halves = servers.map(({ sent }) => new Set(sent.map((id) => Number(id.slice(1)) < 40)));
    expect(halves).toEqual([new Set([true]), new Set([false])]);
  });
});
