import { describe, expect, test, vi } from 'vitest';
import type { OllamaClient } from '../../../../src/backends/ollama/http/client.ts';
import { createReloadWatch } from '../../../../src/backends/ollama/model/reload-watch.ts';
import { candidate } from '../../candidates.ts';
import { completed, context } from '../../conformance.ts';
import { expectSilence } from '../expect-silence.ts';
import { loadedOn, never, openOn, startFake } from '../open-ollama-for-test.ts';
import { waitFor } from '../../../helpers/wait.ts';

expectSilence();

/** A watch on a server that tells what it has loaded, and what was said. */
function watch(ps: () => Promise<{ name: string; context_length?: number }[]>, signal = never) {
  const notices: string[] = [];
  const looked = vi.fn(ps);
  const client = { ps: looked } as unknown as OllamaClient;
  const reloads = createReloadWatch(
    { client, name: 'tiny-scorer', runner: { num_ctx: 1024 } },
    { onNotice: (text) => notices.push(text), signal },
  );
  return { reloads, notices, looked };
}

const nothing = (): Promise<never> => Promise.reject(new Error('gone'));
const settled = (): Promise<void> => new Promise(setImmediate);

describe('a load in the middle of a run', () => {
  test('by another client is told once, with its window', async () => {
    const { reloads, notices } = watch(async () => [{ name: 'Tiny-Scorer:latest', context_length: 8192 }]);
    reloads.note(2500);
    await waitFor(() => expect(notices).toHaveLength(1));
    expect(notices[0]).toMatch(
      /^warning: the server loaded the model again in the middle of the run \(2\.5 s\): another client uses it with a context window of 8,192 tokens, this run with 1,024\./,
    );
    for (let time = 0; time < 5; time++) reloads.note(2500);
    await settled();
    expect(notices).toHaveLength(1);
  });

  test('of unknown cause is told when it comes again', async () => {
    const { reloads, notices, looked } = watch(nothing);
    reloads.note(300);
    await settled();
    expect(notices).toEqual([]);
    reloads.note(300);
    await settled();
    expect(looked).toHaveBeenCalledTimes(2);
    expect(notices).toEqual([expect.stringContaining('another client may use it with other options')]);
  });

  test('is looked into once at a time', async () => {
    const { reloads, looked } = watch(() => new Promise(() => {}));
    for (let time = 0; time < 5; time++) reloads.note(300);
    expect(looked).toHaveBeenCalledTimes(1);
  });

  test('is none where the model was there', async () => {
    const { reloads, looked } = watch(nothing);
    for (const loadMs of [0, 1, 199]) reloads.note(loadMs);
    expect(looked).not.toHaveBeenCalled();
  });

  test('is excused after a crash, for all requests that waited for it', async () => {
    const { reloads, looked } = watch(nothing);
    reloads.excuse();
    for (let time = 0; time < 5; time++) reloads.note(900);
    expect(looked).not.toHaveBeenCalled();
    reloads.note(1);
    reloads.note(900);
    expect(looked).toHaveBeenCalledTimes(1);
  });

  test('is no longer looked into when the run stops', async () => {
    const controller = new AbortController();
    const { reloads, notices, looked } = watch(
      async () => [{ name: 'tiny-scorer', context_length: 1024 }],
      controller.signal,
    );
    reloads.note(300);
    await settled();
    controller.abort();
    await settled();
    expect(looked).toHaveBeenCalledTimes(1);
    expect(notices).toEqual([]);
  });
});

describe('on a server', () => {
  const warnings = (notices: string[]): string[] => notices.filter((text) => text.includes('in the middle of the run'));

  test('another client’s load is found by its options', async () => {
    const server = await startFake({ loadMs: 220 });
    const notices: string[] = [];
    const backend = await openOn(server, { onNotice: (text) => notices.push(text) });
    completed(await backend.generate(candidate(0).request, context()));
    await server.reloadByOther({ num_ctx: 2048 });
    completed(await backend.generate(candidate(1).request, context()));
    await server.reloadByOther({ num_ctx: 2048 });
    await waitFor(() => expect(warnings(notices)).toHaveLength(1));
    expect(warnings(notices)[0]).toContain('2,048 tokens, this run with 1,024');
  });

  test('the run’s own load, a crash and an outage are none', async () => {
    const server = await startFake({ loadMs: 220 });
    const notices: string[] = [];
    const backend = await openOn(server, { onNotice: (text) => notices.push(text) });
    const ps = () => server.requests.filter(({ path }) => path === '/api/ps').length;
    const ask = (index: number) => backend.generate(candidate(index).request, context());
    completed(await ask(0));
    const looksBefore = ps();
    server.faults = () => 'runner-killed';
    await ask(1);
    server.faults = null;
    completed(await ask(2));
    completed(await ask(3));
    await server.stop();
    const away = await ask(4);
    await server.start();
    if (away.status === 'failed') await backend.supervision?.recover?.(away, never);
    completed(await ask(5));
    // The one look is the recovery's.
    expect(ps() - looksBefore).toBe(1);
    expect(warnings(notices)).toEqual([]);
  });
});

test('the watch looks at the model by its name on the server', async () => {
  const server = await startFake();
  await server.reloadByOther({ num_ctx: 2048 });
  const notices: string[] = [];
  const reloads = createReloadWatch(loadedOn(server), { onNotice: (text) => notices.push(text), signal: never });
  reloads.note(500);
  await waitFor(() => expect(notices[0]).toContain('2,048'));
});
