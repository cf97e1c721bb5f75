import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Backend, GenerateContext } from '../../src/core/backend.ts';
import { type Answer, answerText, type Completion } from '../../src/core/completion.ts';
import type { ErrorKind } from '../../src/core/errors.ts';
import { requestKeys } from '../../src/core/request-keys/request-keys.ts';
import { type BatchRequest, type Endpoint, type RequestBody, endpoints } from '../../src/core/request.ts';
import { failureOfThrown } from '../../src/scheduler/last-net.ts';

/** What the suite must know of a backend. */
export interface Subject {
  /** Endpoints that the definition of the backend names: a request for any other one must fail. */
  endpoints: readonly Endpoint[];
  open: () => Promise<Backend>;
  /** One of many different chats. */
  chat: (index: number) => BatchRequest;
  /** What the backend answers to it. */
  expected: (request: BatchRequest) => string;
  /** Works for minutes on the backend that `openSlow` opens; for seconds on the ordinary one. */
  slow: BatchRequest;
  openSlow?: () => Promise<Backend>;
  /** A request that the backend can't answer. */
  bad: { request: BatchRequest; kind: ErrorKind };
  /** It refuses no key: its server decides about those that it does not know, or it has no model that they could change. */
  takesAnyKey?: boolean;
  /** Its answers come whole: when the first token was there is told with them. */
  answersWhole?: boolean;
  /** The engine was there before, and stays when its backend is closed. */
  staysRunning?: boolean;
  /** How long its start, and a test that starts it, may take; 5 minutes where it is not given. */
  startMs?: number;
  /** Its tests are only named: what they need is not here. */
  isAbsent?: boolean;
}

/** Names of the backends that the suite was told of. */
export const describedBackends: string[] = [];

/** The one suite that every backend passes. */
export function describeBackend(name: string, subject: Subject): void {
  const { startMs = 300_000 } = subject;
  describedBackends.push(name);
  describe.skipIf(subject.isAbsent === true)(`the ${name} backend`, { timeout: startMs }, () => {
    let backend: Backend;
    beforeAll(async () => {
      backend = await subject.open();
    }, startMs);
    afterAll(() => backend.close());

    test('completes a chat, and counts its tokens', async () => {
      const request = subject.chat(0);
      const { body } = completed(await backend.generate(request, context()));
      expect(answerText(body)).toBe(subject.expected(request));
      expect(body.object).toBe('chat.completion');
      expect(body.choices?.[0]?.finish_reason).toBe('stop');
      const { prompt_tokens: prompt, completion_tokens: completion, total_tokens: total } = body.usage!;
      expect(prompt).toBeGreaterThan(0);
      expect(completion).toBeGreaterThan(0);
      expect(total).toBe(prompt + completion);
    });

    test('gives a sign of life and the first token before the end', async () => {
      const seen: string[] = [];
      const answer = await backend.generate(
        subject.chat(1),
        context({ onActivity: () => seen.push('activity'), onFirstToken: () => seen.push('first token') }),
      );
      seen.push('end');
      const { ttftMs } = completed(answer);
      if (subject.answersWhole === true) return expect(ttftMs).toBeGreaterThan(0);
      expect(seen[0]).toBe('activity');
      expect(seen.filter((event) => event === 'first token')).toHaveLength(1);
      expect(seen.at(-1)).toBe('end');
    });

    test('answers 64 requests in flight, each with its own answer', async () => {
      const requests = Array.from({ length: 64 }, (_, index) => subject.chat(index));
      const answers = await Promise.all(
        requests.map((request, worker) => backend.generate(request, context({ worker }))),
      );
      expect(answers.map((answer) => answerText(completed(answer).body))).toEqual(requests.map(subject.expected));
    });

    test('fails a request that it cannot answer with its kind, and a sentence', async () => {
      const answer = await answerOrRefusal(backend, subject.bad.request);
      expect(answer).toMatchObject({ status: 'failed', kind: subject.bad.kind });
      expect(answer.status === 'failed' && answer.message).toMatch(/\.$/);
    });

    // An engine that has all of them has no such test.
    const missing = endpoints.filter((endpoint) => !subject.endpoints.includes(endpoint));
    for (const endpoint of missing) {
      test(`refuses a request for ${endpoint}, which its definition does not name`, async () => {
        const { id, line, body } = subject.chat(0);
        const asked = { id, line, endpoint, body: { model: body.model, ...prompts[endpoint] } };
        expect(await answerOrRefusal(backend, asked)).toMatchObject({ status: 'failed', kind: 'bad-request' });
      });
    }

    test.skipIf(subject.takesAnyKey === true)('refuses a key that it does not know, by name', async () => {
      const request = subject.chat(0);
      const asked = { ...request, body: { ...request.body, no_such_key: 1 } };
      const answer = await answerOrRefusal(backend, asked);
      expect(answer).toMatchObject({ status: 'failed', kind: 'bad-request' });
      expect(answer.status === 'failed' && answer.message).toContain('no_such_key');
    });

    test.each([0, 1, 2])(
      'answers the same beside all values that change nothing, number %i of each key',
      async (at) => {
        const request = subject.chat(0);
        const neutral = [...requestKeys].flatMap(([key, known]) => {
          // The keys that no engine has are left out as the line is read.
          const values = known.isForeign === true || key in request.body ? [] : [null, ...(known.neutral ?? [])];
          return at < values.length ? [[key, values[at]]] : [];
        });
        const asked = { ...request, body: { ...request.body, ...Object.fromEntries(neutral) } };
        expect(answerText(completed(await answerOrRefusal(backend, asked)).body)).toBe(subject.expected(request));
      },
    );

    test('rejects with the reason of a signal that was aborted before', async () => {
      const reason = new Error('stopped before');
      const asked = backend.generate(subject.chat(2), context({ signal: AbortSignal.abort(reason) }));
      await expect(asked).rejects.toBe(reason);
    });

    test('rejects soon when the signal is aborted in the middle, and answers right afterwards', async () => {
      const slowBackend = (await subject.openSlow?.()) ?? backend;
      const abortedMs = await abortInTheMiddle(slowBackend, subject.slow);
      // A minute and more is what its answer would have taken.
      expect(abortedMs).toBeLessThan(20_000);
      if (slowBackend !== backend) await slowBackend.close();
      const request = subject.chat(3);
      expect(answerText(completed(await backend.generate(request, context())).body)).toBe(subject.expected(request));
    });

    test.skipIf(subject.staysRunning === true)('leaves no process when it is closed', async () => {
      const closing = await subject.open();
      completed(await closing.generate(subject.chat(4), context()));
      const pid = closing.supervision?.pid?.() ?? null;
      await closing.close();
      expect(pid === null || !isAlive(pid)).toBe(true);
    });
  });
}

/** The prompt of the smallest request for each endpoint. */
const prompts: Readonly<Record<Endpoint, Partial<RequestBody>>> = {
  '/v1/chat/completions': { messages: [{ role: 'user', content: 'hello' }] },
  '/v1/completions': { prompt: 'hello' },
  '/v1/embeddings': { input: 'hello' },
};

/** The answer, or the failure that the scheduler makes of a refusal which is thrown. */
async function answerOrRefusal(backend: Backend, request: BatchRequest): Promise<Answer> {
  try {
    return await backend.generate(request, context());
  } catch (error) {
    return failureOfThrown(error, 'invalid-response');
  }
}

/** Returns the milliseconds from the abort to the rejection. */
async function abortInTheMiddle(backend: Backend, request: BatchRequest): Promise<number> {
  const controller = new AbortController();
  const reason = new Error('stopped in the middle');
  let abortedAt = 0;
  const abort = (): void => {
    abortedAt = performance.now();
    controller.abort(reason);
  };
  const asked = backend.generate(request, context({ signal: controller.signal }));
  setTimeout(abort, 50);
  await expect(asked).rejects.toBe(reason);
  return performance.now() - abortedAt;
}

export const context = (changes: Partial<GenerateContext> = {}): GenerateContext => ({
  signal: new AbortController().signal,
  onFirstToken: () => {},
  onActivity: () => {},
  worker: 0,
  ...changes,
});

export function completed(answer: Answer): Completion {
  if (answer.status === 'failed') throw new Error(`${answer.kind}: ${answer.message}`);
  return answer;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
