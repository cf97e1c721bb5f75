import { expect, test } from 'vitest';
import { type StepKind, createRounds } from '../../../../src/backends/llama-cpp/sequences/rounds.ts';
import { createDeferred } from '../../../../src/async/deferred.ts';

/** Steps that write down when they begin, and end when they are told to. */
function createSteps(alone: StepKind[]) {
  const inRound = createRounds(alone);
  const begun: string[] = [];
  const ends = new Map<string, ReturnType<typeof createDeferred<void>>>();
  const taken = (kind: StepKind, name: string): Promise<string> => {
    const end = createDeferred<void>();
    ends.set(name, end);
    return inRound(kind, async () => {
      begun.push(name);
      await end.promise;
      return name;
    });
  };
  return {
    begun,
    taken,
    end: (name: string) => ends.get(name)?.resolve(),
    fail: (name: string) => ends.get(name)?.reject(new Error(name)),
  };
}

test('steps that come while a round runs are taken together when all of it have ended', async () => {
  const { begun, taken, end } = createSteps([]);
  const first = [taken('token', 'a'), taken('prompt', 'b')];
  await expect.poll(() => begun).toEqual(['a', 'b']);
  const second = [taken('token', 'c'), taken('token', 'd')];
  end('a');
  expect(await first[0]).toBe('a');
  expect(begun).toEqual(['a', 'b']);
  end('b');
  await expect.poll(() => begun).toEqual(['a', 'b', 'c', 'd']);
  end('c');
  end('d');
  expect(await Promise.all(second)).toEqual(['c', 'd']);
});

test('steps of a kind that wants the engine alone are taken one after the other, before the rest', async () => {
  const { begun, taken, end } = createSteps(['prompt']);
  const steps = [taken('token', 'a'), taken('prompt', 'b'), taken('token', 'c'), taken('prompt', 'd')];
  await expect.poll(() => begun).toEqual(['b']);
  end('b');
  await expect.poll(() => begun).toEqual(['b', 'd']);
  end('d');
  await expect.poll(() => begun).toEqual(['b', 'd', 'a', 'c']);
  end('a');
  end('c');
  expect(await Promise.all(steps)).toEqual(['a', 'b', 'c', 'd']);
});

test('a step that fails ends for its own sequence alone', async () => {
  const { begun, taken, end, fail } = createSteps(['prompt']);
  const failing = taken('prompt', 'a');
  const other = taken('token', 'b');
  await expect.poll(() => begun).toEqual(['a']);
  fail('a');
  await expect(failing).rejects.toThrow('a');
  end('b');
  expect(await other).toBe('b');
  const next = taken('token', 'c');
  end('c');
  expect(await next).toBe('c');
});
