import { describe, expect, test } from 'vitest';
import type { Backend } from '../../src/core/backend.ts';
import { failure, noUsage } from '../../src/core/completion.ts';
import type { ResultLine } from '../../src/core/result-line.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';
import { createResultCounter, sampleOf } from '../../src/core/result-counter.ts';
import { createMeter } from '../../src/metrics/meter.ts';
import { type SingleRun, prepare, settings, runRequests } from './prepare-run.ts';
import { chat, completion, items, openMock } from './requests.ts';

/** Runs to the end, and counts twice: as it goes on, and from the lines it left. */
async function counted(backend: Backend, changes: Partial<SingleRun> = {}) {
  const meter = createMeter({ now: () => 0 });
  const counter = createResultCounter();
  const { run, lines } = prepare(backend, {
    items: items(1),
    maxWorkers: 1,
    emit: meter.add,
    record: (_row, line) => {
      lines.push(line);
      meter.add({ type: 'result-end', sample: sampleOf(line) });
      counter.add(sampleOf(JSON.parse(JSON.stringify(line)) as ResultLine));
      return undefined;
    },
    ...changes,
  });
  await runRequests(run);
  return { lines, live: meter.snapshot(), fromLines: counter.counts() };
}

const tokensOf = ({ tokens }: Pick<Snapshot, 'tokens'>) => [tokens.prompt, tokens.completion, tokens.uncounted];

/** Answers one after the other as told. */
const answering = async (...answers: ReturnType<Backend['generate']>[]): Promise<Backend> => ({
  ...(await openMock()),
  generate: () => answers.shift()!,
});

const once = settings({ retries: 0 });
const usage = { prompt_tokens: 40, completion_tokens: 8, total_tokens: 48 };

describe('the tokens of a request that failed', () => {
  test.each(['truncated', 'repetition', 'refused', 'schema-invalid', 'invalid-response'])(
    'as %s are in its line and in all sums',
    async (kind) => {
      const backend = await openMock({ fault_rate: 1, fault_kinds: kind });
      const { lines, live, fromLines } = await counted(backend, { settings: once });
      const { prompt_tokens: prompt, completion_tokens: completed } = lines[0]!.llmbatch.usage!;
      expect([lines[0]?.error?.code, prompt! > 0, completed > 0]).toEqual([kind, true, true]);
      for (const counts of [live, fromLines]) expect(tokensOf(counts)).toEqual([prompt, completed, 0]);
      expect(live).toMatchObject({
        tokens: { answered: { prompt: 0, completion: 0 } },
        machine: { context: { current: prompt! + completed, peak: prompt! + completed } },
      });
    },
  );

  test('of an answer that was cut, and of one against its schema, are in its line and in all sums', async () => {
    const { body } = completion('half an ans', { finishReason: 'length' });
    const cut = await answering(Promise.resolve(completion('half an ans', { finishReason: 'length' })));
    const first = await counted(cut, { settings: once });
    expect(first.lines).toMatchObject([{ error: { code: 'truncated' }, llmbatch: { usage: body.usage } }]);
    async function* json() {
      yield [{ row: 0, read: chat('r0', 'q', { response_format: { type: 'json_object' } }) }];
    }
    const second = await counted(await answering(Promise.resolve(completion('no JSON'))), {
      items: json(),
      settings: once,
    });
    expect(second.lines[0]).toMatchObject({ error: { code: 'schema-invalid' }, llmbatch: { usage: body.usage } });
    const expected = [body.usage!.prompt_tokens, body.usage!.completion_tokens, 0];
    for (const { live, fromLines } of [first, second])
      expect([live, fromLines].map(tokensOf)).toEqual([expected, expected]);
  });

  test('that an engine refused are none, and so are those of a connection that never was', async () => {
    for (const failed of [
      failure('context-too-long', 'too long'),
      { ...failure('connection', 'refused'), usage: noUsage },
    ]) {
      const { live, fromLines } = await counted(await answering(Promise.resolve(failed)), { settings: once });
      expect([live, fromLines].map(tokensOf)).toEqual([
        [0, 0, 0],
        [0, 0, 0],
      ]);
    }
  });

  test('that nobody counted are not measured, not 0', async () => {
    const backend = await answering(Promise.resolve(failure('server-error', 'no')));
    const { lines, live, fromLines } = await counted(backend, { settings: once });
    expect(lines[0]?.llmbatch).not.toHaveProperty('usage');
    expect([live, fromLines].map(tokensOf)).toEqual([
      [null, null, 1],
      [null, null, 1],
    ]);
  });

  test('that broke off are at least those that came', async () => {
    const backend: Backend = {
      ...(await openMock()),
      async generate(_request, { onToken }) {
        for (let count = 0; count < 5; count++) onToken?.();
        return failure('connection', 'broken');
      },
    };
    const { lines, live, fromLines } = await counted(backend, { settings: once });
    expect(lines[0]?.llmbatch.usage).toEqual({ prompt_tokens: null, completion_tokens: 5 });
    expect([live, fromLines].map(tokensOf)).toEqual([
      [null, 5, 1],
      [null, 5, 1],
    ]);
  });

  test('that came too late are at least those that came', async () => {
    const backend = await openMock({ tokens_per_second: 100, completion_tokens: 1e6 });
    const { lines, live } = await counted(backend, { settings: settings({ retries: 0, timeoutMs: 300 }) });
    expect(lines[0]).toMatchObject({ error: { code: 'timeout' }, llmbatch: { usage: { prompt_tokens: null } } });
    expect(lines[0]!.llmbatch.usage!.completion_tokens).toBeGreaterThan(0);
    expect(live.tokens).toMatchObject({ completion: lines[0]!.llmbatch.usage!.completion_tokens, uncounted: 1 });
  });
});

test('attempts that are retried count, in the line of the answer and in all sums', async () => {
  const backend = await answering(
    Promise.resolve({ ...failure('invalid-response', 'garbled'), usage }),
    Promise.resolve(failure('server-error', 'no')),
    Promise.resolve(completion('fine')),
  );
  const { lines, live, fromLines } = await counted(backend);
  expect(lines).toMatchObject([
    {
      error: null,
      llmbatch: { attempts: 3, retried: { prompt_tokens: 40, completion_tokens: 8, uncounted: 1 } },
    },
  ]);
  const { prompt_tokens: prompt, completion_tokens: completed } = lines[0]!.response!.body.usage!;
  expect([live, fromLines].map(tokensOf)).toEqual(Array(2).fill([40 + prompt, 8 + completed, 1]));
  expect(live.tokens.answered).toEqual({ prompt, completion: completed });
});

test('attempts that are stopped count as they go, though no line tells of them', async () => {
  const watched = await openMock();
  const stop = new AbortController();
  const backend: Backend = {
    ...watched,
    generate: (_request, { signal, onToken }) =>
      new Promise((_resolve, reject) => {
        onToken?.();
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        stop.abort();
      }),
  };
  const { lines, live } = await counted(backend, { abort: stop.signal });
  expect([lines, tokensOf(live)]).toEqual([[], [null, 1, 1]]);
});
