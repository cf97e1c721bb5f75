import { describe, expect, test } from 'vitest';
import type { Backend } from '../../../src/core/backend.ts';
import { markedProcesses, openFakeVllm, untilNoneIsLeft } from '../../helpers/fake-vllm.ts';
import { candidates, chat } from '../candidates.ts';
import { context } from '../conformance.ts';
import { ask, question, say } from './asking.ts';
import { waitUntil } from '../../helpers/wait.ts';

/** The GPUs of the engine that answers. */
async function gpusOf(backend: Backend, system: string): Promise<string> {
  const messages = [
    { role: 'system', content: system },
    { role: 'user', content: 'Show the engine.' },
  ];
  const shown: unknown = JSON.parse(await say(backend, chat(messages, { temperature: 0 })));
  return (shown as { gpus: string }).gpus;
}

const cuda = { platform: 'cuda' } as const;

test('one engine on each GPU, and a system prompt stays with its engine', async () => {
  const { backend, notices, mark } = await openFakeVllm({ ...cuda, stepMs: 2 }, { connection: { gpus: [1, 3] } });
  expect(notices.at(-1)).toContain('2 engines, each 256 sequences at once');
  expect(backend.limits).toMatchObject({ slots: 512, suggestedWorkers: 1024 });
  const systems = Array.from({ length: 40 }, (_, index) => ['a', 'b'][index % 2]!);
  const seen = await Promise.all(systems.map((system) => gpusOf(backend, system)));
  expect(new Set(seen)).toEqual(new Set(['1', '3']));
  for (const [index, gpus] of seen.entries()) expect(gpus).toBe(seen[index % 2]);
  await backend.close();
  await untilNoneIsLeft(mark);
});

test('each has as many GPUs as the model is spread over', async () => {
  const options = { data_parallel_size: 2, tensor_parallel_size: 2 };
  const { backend } = await openFakeVllm({ ...cuda, stepMs: 2 }, { options });
  const seen = await Promise.all(['a', 'b'].map((system) => gpusOf(backend, system)));
  expect(seen.toSorted()).toEqual(['0,1', '2,3']);
});

test('what they do is told together', async () => {
  // A thousand tokens, one a step: none of them is answered before all are there, however slow the machine is.
  const fake = { ...cuda, stepMs: 100 };
  const { backend, loads } = await openFakeVllm(fake, { connection: { gpus: [0, 1] }, options: { max_num_seqs: 4 } });
  const asked = Array.from({ length: 40 }, (_, index) => {
    const messages = [{ role: 'user', content: `${index} ${'z'.repeat(1000)}` }];
    return ask(backend, chat(messages, { temperature: 0 }));
  });
  await waitUntil(() => loads.some(({ running, waiting }) => running === 8 && waiting === 32));
  await backend.close();
  await Promise.all(asked);
});

test('one that dies takes none of the others with it, and comes back', async () => {
  const { backend, restarts, mark, loads } = await openFakeVllm(
    { ...cuda, stepMs: 100 },
    { connection: { gpus: [0, 1] } },
  );
  const before = await markedProcesses(mark);
  const asked = Promise.all(candidates.slice(0, 200).map(({ request }) => ask(backend, request)));
  await waitUntil(() => loads.some(({ running }) => running > 0));
  process.kill(backend.supervision!.pid!()!, 'SIGKILL');
  const states = (await asked).map((answer) => (answer.status === 'failed' ? answer.kind : 'completed'));
  expect(new Set(states)).toEqual(new Set(['completed', 'engine-crashed']));
  const failed = { status: 'failed', kind: 'engine-crashed', message: '' } as const;
  expect(await backend.supervision!.recover!(failed, new AbortController().signal)).toBe('partly');
  const after = await waitUntil(async () => {
    const alive = await markedProcesses(mark);
    return alive.length === before.length && alive;
  });
  expect(restarts).toHaveLength(1);
  expect(before.filter((pid) => after.includes(pid))).toHaveLength(before.length / 2);
  const again = await Promise.all(candidates.slice(0, 50).map(({ request }) => say(backend, request)));
  expect(again).toEqual(candidates.slice(0, 50).map(({ answer }) => answer));
});

describe('a request that must be alone', () => {
  test('has one of them to itself, and the others go on', async () => {
    const { backend } = await openFakeVllm({ ...cuda, stepMs: 100 }, { connection: { gpus: [0, 1] } });
    const alone = backend.generate(question('z'.repeat(1000)), { ...context(), isAlone: true });
    const seen = await Promise.all(Array.from({ length: 40 }, (_, index) => gpusOf(backend, String(index))));
    expect(new Set(seen).size).toBe(1);
    await backend.close();
    expect(await alone).toMatchObject({ kind: 'engine-crashed' });
  });

  test('waits until that one has nothing else, and takes nothing of the others with it', async () => {
    const { backend, restarts } = await openFakeVllm(
      { ...cuda, stepMs: 2, fault: 'poison' },
      { connection: { gpus: [0, 1] } },
    );
    const asked = candidates.slice(0, 100).map(({ request }) => say(backend, request));
    const alone = backend.generate(question('poison'), { ...context(), isAlone: true });
    const later = candidates.slice(100, 200).map(({ request }) => say(backend, request));
    expect(await alone).toMatchObject({ kind: 'engine-crashed' });
    const answers = await Promise.all([...asked, ...later]);
    expect(answers).toEqual(candidates.slice(0, 200).map(({ answer }) => answer));
    expect(restarts).toHaveLength(1);
    // It is kept for nobody any more.
    const ask40 = () => Promise.all(Array.from({ length: 40 }, (_, index) => gpusOf(backend, String(index))));
    await waitUntil(async () => new Set(await ask40()).size === 2);
  });
});

test('one that does not start ends the others', async () => {
  const opening = openFakeVllm({ ...cuda, fault: 'gated' }, { connection: { gpus: [0, 1] } });
  await expect(opening).rejects.toMatchObject({ kind: 'unauthorized' });
});
