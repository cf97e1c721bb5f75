import { expect, test } from 'vitest';
import { createDeferred } from '../../../src/async/deferred.ts';
import { createQuarantine } from '../../../src/backends/subprocess/quarantine.ts';
import { type Answer, failure } from '../../../src/core/completion.ts';

const { signal } = new AbortController();
const answered = { status: 'completed', body: {} } as Answer;
const died = failure('engine-crashed', 'It died.');

/**
 * An engine that dies with all that it has at every request for which `kills` says so, before it answers any: in turns of the
 * event loop, so that no slow moment of the machine changes what is in flight together.
 */
function createEngine(kills: (id: string) => boolean) {
  const quarantine = createQuarantine(() => (seen.inARow = 0));
  /** What is in flight: how to settle it, and whether it kills. */
  const open = new Map<(answer: Answer) => void, boolean>();
  const seen = { deaths: 0, inARow: 0 };
  const step = (): void => {
    const isDeath = [...open.values()].includes(true);
    if (isDeath) {
      seen.deaths++;
      quarantine.onDeath(++seen.inARow);
    }
    for (const settle of open.keys()) settle(isDeath ? died : answered);
    open.clear();
  };
  const work = async (id: string): Promise<Answer> => {
    const answer = await new Promise<Answer>((resolve) => {
      if (open.size === 0) setImmediate(step);
      open.set(resolve, kills(id));
    });
    if (answer.status === 'completed') seen.inARow = 0;
    return answer;
  };
  return { seen, ask: (id: string) => quarantine.pass(id, () => work(id), signal) };
}

/** Asked again as long as the engine died of something else. */
async function persist(ask: () => Promise<Answer>): Promise<string> {
  for (;;) {
    const answer = await ask();
    if (answer.status === 'completed') return 'right';
    if (answer.kind !== 'engine-crashed') return answer.kind;
  }
}

const twenty = Array.from({ length: 20 }, (_, index) => `r${index}`);

test('a request that brings the engine down is failed for good, and none of its neighbours is', async () => {
  const { ask, seen } = createEngine((id) => id === 'r7');
  const outcomes = await Promise.all(twenty.map((id) => persist(() => ask(id))));
  expect(outcomes).toEqual(twenty.map((id) => (id === 'r7' ? 'bad-request' : 'right')));
  expect(seen.deaths).toBeLessThanOrEqual(4);
});

test('deaths that came from outside are blamed on nobody', async () => {
  let left = 3;
  const { ask } = createEngine(() => left-- > 0);
  expect(new Set(await Promise.all(twenty.map((id) => persist(() => ask(id)))))).toEqual(new Set(['right']));
});

test('the stop reaches who waits for its turn', async () => {
  const quarantine = createQuarantine();
  const stop = new AbortController();
  const held = createDeferred<Answer>();
  const first = quarantine.pass('a', () => held.promise, stop.signal);
  quarantine.onDeath(2);
  const waiting = quarantine.pass('b', async () => answered, stop.signal);
  stop.abort(new Error('stopped'));
  held.resolve(answered);
  await expect(waiting).rejects.toThrow('stopped');
  expect(await first).toBe(answered);
});
