import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Backend } from '../../../src/core/backend.ts';
import type { Answer } from '../../../src/core/completion.ts';
import {
  childOf,
  type FakeVllm,
  markedProcesses,
  openFakeVllm,
  type OpenedVllm,
  untilNoneIsLeft,
} from '../../helpers/fake-vllm.ts';
import { scratchFolder } from '../../helpers/scratch-folder.ts';
import { candidates } from '../candidates.ts';
import { ask, question, say, textOf } from './asking.ts';
import { waitUntil } from '../../helpers/wait.ts';

const onceFile = async (): Promise<string> => join(await scratchFolder(), 'happened');

const askAll = (backend: Backend): Promise<Answer[]> =>
  Promise.all(candidates.slice(0, 200).map(({ request }) => ask(backend, request)));

/** Right answers, and failures by their kind. */
function judge(answers: Answer[]): Record<string, number> {
  const tally: Record<string, number> = {};
  for (const [index, answer] of answers.entries()) {
    const isRight = answer.status === 'completed' && textOf(answer) === candidates[index]!.answer;
    const state = answer.status === 'failed' ? answer.kind : isRight ? 'right' : 'wrong';
    tally[state] = (tally[state] ?? 0) + 1;
  }
  return tally;
}

/** Lets something happen while 200 are in flight, and asks them all again. */
async function survive(opened: OpenedVllm, happen: () => Promise<void>): Promise<void> {
  const { backend, mark, restarts } = opened;
  const before = await markedProcesses(mark);
  const [answers] = await Promise.all([askAll(backend), happen()]);
  const { 'engine-crashed': crashed = 0, right = 0 } = judge(answers);
  expect([crashed > 0, crashed + right]).toEqual([true, 200]);
  expect(judge(await askAll(backend))).toEqual({ right: 200 });
  expect(restarts).toHaveLength(1);
  const after = await markedProcesses(mark);
  expect(before.filter((pid) => after.includes(pid))).toEqual([]);
}

/** Once the engine works: an answer takes it three seconds from there. */
const atWork =
  ({ loads }: OpenedVllm, happen: () => void) =>
  async (): Promise<void> => {
    await waitUntil(() => loads.some(({ running }) => running > 0));
    happen();
  };

describe.each<[string, FakeVllm, Record<string, unknown>]>([
  ['in one process', { platform: 'cpu' }, {}],
  ['with a core of its own', { platform: 'cuda' }, {}],
  ['over two GPUs', { platform: 'cuda' }, { tensor_parallel_size: 2 }],
])('an engine %s', (_name, fake, options) => {
  test('whose worker is killed is started again, and nothing is left', async () => {
    const opened = await openFakeVllm({ ...fake, stepMs: 100 }, { options });
    await survive(
      opened,
      atWork(opened, () => process.kill(opened.backend.supervision!.pid!()!, 'SIGKILL')),
    );
    await opened.backend.close();
    await untilNoneIsLeft(opened.mark);
  });

  test('whose worker gets a SIGTERM takes its processes with it', async () => {
    const opened = await openFakeVllm({ ...fake, stepMs: 100 }, { options });
    await survive(
      opened,
      atWork(opened, () => process.kill(opened.backend.supervision!.pid!()!, 'SIGTERM')),
    );
  });

  test('is gone when its backend is closed, in the middle of its work', async () => {
    const { backend, mark } = await openFakeVllm({ ...fake, stepMs: 100 }, { options });
    const asked = askAll(backend);
    await backend.close();
    expect(await markedProcesses(mark)).toEqual([]);
    expect(Object.keys(judge(await asked))).toContain('engine-crashed');
  });
});

describe('a core of its own', () => {
  test('that is killed is noticed at once', async () => {
    const opened = await openFakeVllm({ platform: 'cuda', stepMs: 100 });
    const { backend, mark, restarts } = opened;
    const core = await childOf(backend.supervision!.pid!()!, mark);
    await survive(
      opened,
      atWork(opened, () => process.kill(core, 'SIGKILL')),
    );
    // With the cause that it printed last, where it came to that.
    expect(restarts[0]).toMatch(/^The vllm process ended with code 4[. ]/);
  });

  test('that is killed while there is nothing to do is started again for the next request', async () => {
    const { backend, mark } = await openFakeVllm({ platform: 'cuda' });
    process.kill(await childOf(backend.supervision!.pid!()!, mark), 'SIGKILL');
    await untilNoneIsLeft(mark);
    await waitUntil(() => backend.supervision!.pid!() === null);
    expect(await say(backend, question('again'))).toBe('again');
  });

  test.each(['error:50', 'crash:50'])('that dies by itself (%s) is started again', async (fault) => {
    const opened = await openFakeVllm({ platform: 'cuda', fault, once: await onceFile() });
    await survive(opened, async () => {});
  });
});

describe('an engine that hangs', () => {
  test.each(['cpu', 'cuda'] as const)('is ended by a restart (%s)', async (platform) => {
    const once = await onceFile();
    const opened = await openFakeVllm({ platform, fault: 'hang:150', once });
    await survive(opened, async () => {
      await waitUntil(() => existsSync(once));
      await opened.backend.supervision!.restart!();
    });
    expect(opened.restarts[0]).toMatch(/no sign of life/);
  });

  test('is gone after a close', async () => {
    const once = await onceFile();
    const { backend, mark } = await openFakeVllm({ platform: 'cuda', fault: 'hang:1', once });
    const asked = ask(backend, question('a'));
    await waitUntil(() => existsSync(once));
    await backend.close();
    expect(await markedProcesses(mark)).toEqual([]);
    expect(await asked).toMatchObject({ kind: 'engine-crashed' });
  });
});

test('after a lack of memory it is started with half of the sequences, until they fit', async () => {
  const { backend, restarts } = await openFakeVllm(
    { platform: 'cuda', fault: 'oom:20' },
    { options: { max_num_seqs: 64 } },
  );
  // What waited for a place is sent to the engine that was started again, which may lack memory once more in the same turn.
  const turns = [judge(await askAll(backend)), judge(await askAll(backend)), judge(await askAll(backend))];
  const [first] = turns;
  expect(first!['out-of-memory']).toBeGreaterThan(0);
  for (const { 'out-of-memory': failed = 0, right = 0 } of turns) expect(failed + right).toBe(200);
  expect(turns.at(-1)).toEqual({ right: 200 });
  expect(restarts).toEqual(Array.from({ length: 2 }, () => 'The engine ran out of memory.'));
});

test('an engine that dies at each start of its work is given up after five times', async () => {
  const { backend, restarts, mark } = await openFakeVllm({ fault: 'crash:1' });
  const kinds: string[] = [];
  for (let time = 0; time < 6; time++) {
    const answer = await ask(backend, { ...question('a'), id: `request ${time}` });
    kinds.push(answer.status === 'failed' ? answer.kind : 'completed');
  }
  expect(kinds).toEqual([...Array.from({ length: 5 }, () => 'engine-crashed'), 'unusable']);
  expect(restarts).toHaveLength(4);
  const recovering = backend.supervision!.recover!(
    { status: 'failed', kind: 'engine-crashed', message: '' },
    new AbortController().signal,
  );
  await expect(recovering).rejects.toMatchObject({ name: 'EngineError', kind: 'unusable' });
  expect(await markedProcesses(mark)).toEqual([]);
});
