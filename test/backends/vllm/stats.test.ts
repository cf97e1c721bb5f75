import { expect, test } from 'vitest';
import { openFakeVllm } from '../../helpers/fake-vllm.ts';
import { completed, context } from '../conformance.ts';
import { complete, question, say } from './asking.ts';
import { waitUntil } from '../../helpers/wait.ts';

const slow = { stepMs: 5 };
const two = { options: { max_num_seqs: 2 } };

test('the engine tells what it does, and those that run give signs of life', async () => {
  const { backend, loads } = await openFakeVllm(slow, two);
  const alive = new Set<number>();
  const stop = new AbortController();
  const asked = Array.from({ length: 5 }, (_, worker) =>
    backend.generate(
      question('z'.repeat(2000)),
      context({ worker, signal: stop.signal, onActivity: () => alive.add(worker) }),
    ),
  );
  const settled = Promise.allSettled(asked);
  await waitUntil(() => loads.length > 0);
  expect(loads[0]).toMatchObject({ running: 2, waiting: 3 });
  expect(loads[0]!.kvUsage).toBeGreaterThan(0.05);
  expect(loads[0]!.kvUsage).toBeLessThan(0.2);
  expect([...alive]).toEqual([0, 1]);
  stop.abort(new Error('enough'));
  await settled;
});

test.each(['cpu', 'cuda'] as const)(
  'an answer tells of its prompt and its tokens while it grows (%s)',
  async (platform) => {
    const { backend } = await openFakeVllm({ platform, stepMs: 2 });
    const request = question(`Once upon a time ${'and again '.repeat(40)}`);
    const { body: before } = await complete(backend, request);
    const told = { tokens: [] as number[], prompts: [] as number[][] };
    const onToken = (count?: number): void => void told.tokens.push(count!);
    const onPrompt = (...counts: number[]): void => void told.prompts.push(counts);
    const { body } = completed(await backend.generate(request, context({ onToken, onPrompt })));
    const { prompt_tokens: prompt, prompt_tokens_details: details, completion_tokens: completion } = body.usage!;
    expect(before.usage!.prompt_tokens_details!.cached_tokens).toBeLessThan(details!.cached_tokens);
    expect(told.prompts).toEqual([[prompt - details!.cached_tokens, details!.cached_tokens]]);
    expect(told.tokens.length).toBeGreaterThan(0);
    expect(sum(told.tokens)).toBeLessThanOrEqual(completion);
  },
);

test('several answers to one request tell their tokens together, and of the prompt in the end', async () => {
  const { backend } = await openFakeVllm({ stepMs: 2 });
  const request = question('z'.repeat(400), { n: 3, temperature: 1 });
  const told = { tokens: [] as number[], prompts: [] as number[][] };
  const onToken = (count?: number): void => void told.tokens.push(count!);
  const onPrompt = (...counts: number[]): void => void told.prompts.push(counts);
  const { body } = completed(await backend.generate(request, context({ onToken, onPrompt })));
  expect(told.prompts).toEqual([]);
  expect(told.tokens[0]).toBeGreaterThan(0);
  expect(sum(told.tokens)).toBeLessThanOrEqual(body.usage!.completion_tokens);
});

const sum = (counts: number[]): number => counts.reduce((all, count) => all + count, 0);

test('what is aborted makes room at once', async () => {
  const { backend } = await openFakeVllm({ stepMs: 20 }, two);
  const stop = new AbortController();
  const signal = stop.signal;
  const long = Promise.allSettled(
    [1, 2, 3].map(() => backend.generate(question('z'.repeat(3000)), context({ signal }))),
  );
  const next = say(backend, question('next'));
  stop.abort(new Error('enough'));
  const start = performance.now();
  expect(await next).toBe('next');
  // A tenth of a second, and a minute behind those that are not aborted.
  expect(performance.now() - start).toBeLessThan(30_000);
  expect((await long).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
});
