import { expect, test } from 'vitest';
import type { CacheCounters, CacheFacts } from '../../../src/core/backend.ts';
import type { Completion } from '../../../src/core/completion.ts';
import { watchCache } from '../../../src/scheduler/watches/watch-cache.ts';
import { chat, openMock } from '../requests.ts';

const rubric = 'Score the candidate by these rules. '.repeat(20);

function answer(cached: number | undefined, promptMs?: number, tokens = 200): Completion {
  const details = cached === undefined ? {} : { prompt_tokens_details: { cached_tokens: cached } };
  const usage = { prompt_tokens: tokens, completion_tokens: 5, total_tokens: tokens + 5, ...details };
  const body = { id: 'a', object: 'chat.completion', created: 0, model: 'm', usage };
  return { status: 'completed', body, ...(promptMs === undefined ? {} : { promptMs }) };
}

interface Seen {
  told: string[];
  asked: CacheFacts[];
}

interface WatchOptions {
  cause?: string | null;
  system?: string | ((index: number) => string);
  counters?: () => CacheCounters | null;
}

/** Four workers get so many answers, each to a rubric and a question of its own. */
async function watch(
  count: number,
  answerTo: (index: number) => Completion,
  { cause = null, system = rubric, counters }: WatchOptions = {},
): Promise<Seen> {
  const seen: Seen = { told: [], asked: [] };
  const explainCache = async (facts: CacheFacts): Promise<string | null> => {
    seen.asked.push(facts);
    return cause;
  };
  const backend = {
    ...(await openMock()),
    inspection: { explainCache, ...(counters && { cacheCounters: async () => counters() }) },
  };
  const { onAnswer } = watchCache({ backend, notify: ({ text }) => void seen.told.push(text) });
  for (let index = 0; index < count; index++) {
    const content = typeof system === 'string' ? system : system(index);
    onAnswer(index % 4, chat('r', `${index} is the number`, { system: content }), answerTo(index));
    await Promise.resolve();
  }
  await new Promise(setImmediate);
  return seen;
}

test('a cache that gives nothing is told once, with the engine’s own explanation', async () => {
  const { told, asked } = await watch(10_000, () => answer(1), { cause: 'Start it with --swa-full.' });
  expect(told).toEqual([
    "cache: about 196 of the 200 tokens of a prompt are the same as in the prompt before, but only 0.5% of the prompt tokens came from the engine's cache. Start it with --swa-full.",
  ]);
  expect(asked).toEqual([{ promptTokens: 200, sharedTokens: expect.closeTo(196, 0), cachedTokens: 1 }]);
});

test('nothing is told of a cache that works, of prompts that share little, and of too few of them', async () => {
  const works = await watch(10_000, (index) => answer(index < 4 ? 0 : 180));
  const unlike = await watch(10_000, () => answer(0), { system: (index) => `${index} ${rubric}` });
  const short = await watch(10_000, () => answer(0, undefined, 20), { system: 'Be brief.' });
  const few = await watch(50, () => answer(0));
  expect([works, unlike, short, few].flatMap(({ told }) => told)).toEqual([]);
});

test('a cache that stops to work is told at the next look', async () => {
  const { told } = await watch(5000, (index) => answer(index < 1000 ? 180 : 0));
  expect(told).toHaveLength(1);
});

test('without counts, the time that the engine takes to read the prompts tells', async () => {
  const asLong = await watch(500, () => answer(undefined, 100));
  const faster = await watch(500, (index) => answer(undefined, index < 4 ? 100 : 20));
  const untimed = await watch(500, () => answer(undefined));
  expect(asLong.told).toEqual([expect.stringContaining('takes as long to read them as it took at first')]);
  expect([...faster.told, ...untimed.told]).toEqual([]);
});

test('an engine that reports nothing with its answers is asked for its counters', async () => {
  /** Counters that grow by as much at each question. */
  const growing = (cached: number) => {
    let asked = 0;
    return (): CacheCounters => ({ prompt: 1000 + 12_000 * asked, cached: 500 + cached * asked++ });
  };
  const idle = await watch(500, () => answer(undefined), { counters: growing(120) });
  const works = await watch(500, () => answer(undefined), { counters: growing(9000) });
  const silent = await watch(500, () => answer(undefined), { counters: () => null });
  const anew = await watch(500, () => answer(undefined), { counters: () => ({ prompt: 1000, cached: 0 }) });
  expect(idle.told).toEqual([expect.stringContaining('only 1.0% of the prompt tokens came')]);
  expect([works, silent, anew].flatMap(({ told }) => told)).toEqual([]);
});

test('an engine may know that it is as it should be', async () => {
  const { told } = await watch(500, () => answer(0), { cause: '' });
  expect(told).toEqual([]);
});
