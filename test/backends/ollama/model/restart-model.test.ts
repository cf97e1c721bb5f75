import { describe, expect, test } from 'vitest';
import { answerText } from '../../../../src/core/completion.ts';
import { candidate } from '../../candidates.ts';
import { completed, context } from '../../conformance.ts';
import { expectSilence } from '../expect-silence.ts';
import { openOn, promised, rejectionOf, startFake } from '../open-ollama-for-test.ts';
import { waitFor } from '../../../helpers/wait.ts';

expectSilence();

const loadsIn = (requests: { body: unknown }[]): unknown[] =>
  requests.flatMap(({ body }) => {
    const { messages, keep_alive: keepAlive } = (body ?? {}) as { messages?: unknown[]; keep_alive?: unknown };
    return messages?.length === 0 ? [keepAlive] : [];
  });

describe('a restart', () => {
  test('frees the model and loads it again, with the same options, and says so', async () => {
    const server = await startFake();
    const restarts: string[] = [];
    const backend = await openOn(server, { onRestart: (reason) => restarts.push(reason) });
    server.requests.length = 0;
    await backend.supervision?.restart?.();
    expect(loadsIn(server.requests)).toEqual([0, -1]);
    expect(server.loads).toBe(2);
    expect(restarts).toEqual([expect.stringMatching(/^The Ollama server does not answer.*\.$/)]);
    completed(await backend.generate(candidate(0).request, context()));
    expect(server.loads).toBe(2);
  });

  test('keeps what is asked meanwhile until the model is there: it would hold the old one', async () => {
    const server = await startFake({ loadMs: 30 });
    const backend = await openOn(server);
    const restarting = [backend.supervision?.restart?.(), backend.supervision?.restart?.()].map(
      (restart) => restart ?? Promise.reject(new Error('none')),
    );
    const asked = [0, 1].map((index) => backend.generate(candidate(index).request, context()));
    await Promise.all(restarting);
    const answers = (await Promise.all(asked)).map((given) => answerText(completed(given).body));
    expect(answers).toEqual([candidate(0).answer, candidate(1).answer]);
    expect(loadsIn(server.requests)).toEqual([-1, 0, -1]);
    expect(server.requests.findLastIndex(({ text }) => text.includes('"messages":[]'))).toBeLessThan(
      server.requests.findIndex(({ text }) => text.includes('Candidate')),
    );
  });

  test('lets a request go whose signal is aborted meanwhile', async () => {
    const server = await startFake();
    const backend = await openOn(server);
    const asked = promised();
    server.faults = ({ path }) => {
      if (path === '/api/chat') asked.keep();
      return 'hang';
    };
    const restarting = backend.supervision?.restart?.();
    await asked.promise;
    const controller = new AbortController();
    const waiting = rejectionOf(backend.generate(candidate(0).request, context({ signal: controller.signal })));
    controller.abort('enough');
    expect(await waiting).toBe('enough');
    await backend.close();
    await expect(restarting).resolves.toBe(undefined);
  });

  test('that fails says why, and requests find out for themselves', async () => {
    const server = await startFake();
    const backend = await openOn(server);
    server.faults = () => 'oom';
    const restarting = rejectionOf(backend.supervision?.restart?.() ?? Promise.resolve());
    const asked = backend.generate(candidate(0).request, context());
    expect(await restarting).toMatchObject({ name: 'EngineError', kind: 'out-of-memory' });
    expect(await asked).toMatchObject({ kind: 'out-of-memory' });
    server.faults = null;
    await waitFor(async () => completed(await backend.generate(candidate(0).request, context())));
  });
});
