import { describe, expect, test } from 'vitest';
import { checkKeys, commonRules } from '../../src/backends/request/body-rules.ts';
import type { Backend } from '../../src/core/backend.ts';
import { failure } from '../../src/core/completion.ts';
import {
  EngineError,
  JournalError,
  UsageError,
  allErrorKinds,
  isTransient,
  stopsTheRun,
} from '../../src/core/errors.ts';
import type { ResultLine } from '../../src/core/result-line.ts';
import { failureOfThrown } from '../../src/scheduler/last-net.ts';
import type { AnswerCheck } from '../../src/scheduler/verify-answer.ts';
import { prepare, settings, runRequests } from './prepare-run.ts';
import { completion, items, openMock } from './requests.ts';

const bug = (): never => {
  throw new TypeError('x is not a function');
};

/** Answers everything but r3, for which something goes wrong. */
const failingAt = async (generate: Backend['generate']): Promise<Backend> => ({
  ...(await openMock()),
  generate: async (request, context) => (request.id === 'r3' ? generate(request, context) : completion('x')),
});

/** Nine requests, none tried again, of which only r3 may fail. */
async function run(backend: Backend, changes: Parameters<typeof prepare>[1] = {}): Promise<ResultLine | undefined> {
  const { run: nine, lines } = prepare(backend, { items: items(9), settings: settings({ retries: 0 }), ...changes });
  await runRequests(nine);
  expect(lines).toHaveLength(9);
  expect(lines.filter(({ error }) => error !== null)).toHaveLength(1);
  return lines.find(({ custom_id }) => custom_id === 'r3');
}

describe('what is thrown for one request fails that request alone', () => {
  test('by its backend, before anything came', async () => {
    expect(await run(await failingAt(bug))).toMatchObject({
      error: { code: 'bad-request', message: 'unexpected TypeError: x is not a function' },
      llmbatch: { attempts: 1 },
    });
  });

  test('by its backend, of what the engine sent', async () => {
    const backend = await failingAt(async (_request, { onActivity }) => {
      onActivity();
      return bug();
    });
    expect(await run(backend)).toMatchObject({ error: { code: 'invalid-response' } });
  });

  test('by a backend that throws instead of rejecting', async () => {
    const backend = await openMock();
    const generate: Backend['generate'] = (request, context) =>
      request.id === 'r3' ? bug() : backend.generate(request, context);
    expect(await run({ ...backend, generate })).toMatchObject({ error: { code: 'bad-request' } });
  });

  test.each([
    ['at once', bug],
    ['later', async () => bug()],
  ])('by what prepares its check, %s', async (_when, thrower) => {
    const plain: AnswerCheck = (answer) => ({ answer }) as ReturnType<AnswerCheck>;
    const verifier = { prepare: ({ id }: { id: string }) => (id === 'r3' ? thrower() : plain), close: () => undefined };
    const failed = await run(await openMock(), { verifier });
    expect(failed).toMatchObject({ error: { code: 'bad-request' }, llmbatch: { attempts: 0 } });
  });

  test('by the check of its answer', async () => {
    const check: AnswerCheck = (answer) => {
      if (answer.status === 'completed' && answer.body.choices?.[0]?.message?.content === 'odd') bug();
      return { answer } as ReturnType<AnswerCheck>;
    };
    const backend = await failingAt(async () => completion('odd'));
    const failed = await run(backend, { verifier: { prepare: () => check, close: () => undefined } });
    expect(failed).toMatchObject({ error: { code: 'invalid-response' }, llmbatch: { attempts: 1 } });
  });
});

describe('a refusal that is thrown fails its request alone, with its kind and its words', () => {
  test.each(allErrorKinds.filter((kind) => !isTransient(kind) && !stopsTheRun(kind)))('%s', async (kind) => {
    const backend = await failingAt(async () => {
      throw new EngineError(kind, 'echo can not honour `n`', 'Remove it.');
    });
    const error = { code: kind, message: 'echo can not honour `n`. Remove it.' };
    expect(await run(backend)).toMatchObject({ error, llmbatch: { attempts: 1 } });
  });

  test('thrown by the rules for keys of a body', async () => {
    const backend = await failingAt(({ body }) => {
      checkKeys({ ...body, voice: 'low' }, 'messages', { backend: 'echo', rules: commonRules });
      return bug();
    });
    expect(await run(backend)).toMatchObject({
      error: { code: 'bad-request', message: expect.stringMatching(/^echo can't honour `voice`.*\w\.$/) },
    });
  });
});

describe('a result that can not be written as a line', () => {
  const endless: Record<string, unknown> = {};
  endless['self'] = endless;

  const recording = (lines: ResultLine[]) => (_row: number, line: ResultLine) => {
    JSON.stringify(line);
    lines.push(line);
    return undefined;
  };

  test('fails the request, though it was answered', async () => {
    const answer = completion('x');
    Object.assign(answer.body, endless);
    const lines: ResultLine[] = [];
    const backend = await failingAt(async () => answer);
    await runRequests(prepare(backend, { items: items(9), record: recording(lines) }).run);
    expect(lines).toHaveLength(9);
    const { error, response } = lines.find(({ custom_id }) => custom_id === 'r3')!;
    expect([error?.code, response]).toEqual(['invalid-response', null]);
  });

  test('keeps its kind and message where it was a failure', async () => {
    const failed = { ...failure('refused', 'No.'), response: { status_code: 400, body: endless } };
    const lines: ResultLine[] = [];
    const backend = await failingAt(async () => failed);
    await runRequests(prepare(backend, { items: items(9), record: recording(lines) }).run);
    const { error, response } = lines.find(({ custom_id }) => custom_id === 'r3')!;
    expect([error, response]).toEqual([{ code: 'refused', message: 'No.' }, null]);
  });
});

describe('what is meant to end the run ends it', () => {
  test.each(allErrorKinds.filter((kind) => isTransient(kind) || stopsTheRun(kind)))(
    'from a backend: %s',
    async (kind) => {
      const backend = await failingAt(async () => {
        throw new EngineError(kind, 'the engine is gone');
      });
      await expect(runRequests(prepare(backend).run)).rejects.toThrow('the engine is gone');
    },
  );

  test('from a backend, where it is no error of the engine', async () => {
    const backend = await failingAt(async () => {
      throw new UsageError('the connection is no text');
    });
    await expect(runRequests(prepare(backend).run)).rejects.toThrow('the connection is no text');
  });

  test.each(['unusable', 'bad-request'] as const)(
    'from the recovery of a backend, also of the kind %s',
    async (kind) => {
      const backend = await failingAt(async () => failure('connection', 'The server is gone.'));
      const recover = async (): Promise<never> => {
        throw new EngineError(kind, 'waiting is hopeless');
      };
      const { run: nine, lines } = prepare({ ...backend, supervision: { recover } });
      await expect(runRequests(nine)).rejects.toThrow('waiting is hopeless');
      expect(lines.filter(({ error }) => error !== null)).toEqual([]);
    },
  );

  test.each(['thrown', 'rejected'])('from the journal, %s', async (how) => {
    const full = new JournalError('no space left');
    const record = (): Promise<void> => {
      if (how === 'thrown') throw full;
      return Promise.reject(full);
    };
    await expect(runRequests(prepare(await openMock(), { record }).run)).rejects.toThrow('no space left');
  });

  test('also where it is no error of ours, once the journal has taken the result', async () => {
    const record = (): Promise<void> => Promise.reject(new TypeError('stdout is gone'));
    await expect(runRequests(prepare(await openMock(), { record }).run)).rejects.toThrow('stdout is gone');
  });
});

test('a thrown text of any size or kind becomes a message of bounded length', () => {
  expect(failureOfThrown('x'.repeat(1e6), 'bad-request').message).toHaveLength(511);
  const odd = { toString: 1 };
  expect(failureOfThrown(odd, 'bad-request').message).toBe('unexpected error that has no text');
});
