import { describe, expect, test } from 'vitest';
import { recoverServer } from '../../../../src/backends/ollama/open/reach-server.ts';
import { failure } from '../../../../src/core/completion.ts';
import type { ErrorKind } from '../../../../src/core/errors.ts';
import { expectSilence } from '../expect-silence.ts';
import { loadedOn, never, rejectionOf, startFake } from '../open-ollama-for-test.ts';
import { loadModel } from '../../../../src/backends/ollama/model/load-model.ts';

expectSilence();

async function loadedFake() {
  const server = await startFake();
  const loaded = loadedOn(server);
  await loadModel(loaded, never);
  const waiting = { signal: never, maxMs: 60_000, onNotice: () => {} };
  return {
    server,
    recover: (kind: ErrorKind, changes: object = {}) =>
      recoverServer(loaded, failure(kind, 'It failed.'), { ...waiting, ...changes }),
  };
}

describe('a server', () => {
  test('was not away where it answers and has the model: the request may be to blame', async () => {
    const { server, recover } = await loadedFake();
    expect(await recover('connection')).toBe('here');
    expect(server.loads).toBe(1);
  });

  test('was away where it is waited for, and has the model again before anything is sent', async () => {
    const { server, recover } = await loadedFake();
    await server.stop();
    const recovered = recover('connection', { onNotice: () => void server.start() });
    expect(await recovered).toBe('gone');
    expect(server.loads).toBe(2);
  });

  test('was away where it came back before anybody looked, without the model', async () => {
    const { server, recover } = await loadedFake();
    await server.stop();
    await server.start();
    expect(await recover('connection')).toBe('away');
    expect(server.loads).toBe(2);
    expect(await recover('overloaded')).toBe('here');
  });

  test('was not away where only its runner crashed, which a request may have done', async () => {
    const { server, recover } = await loadedFake();
    await server.stop();
    await server.start();
    expect(await recover('engine-crashed')).toBe('here');
    expect(server.loads).toBe(2);
  });

  test('whose queue is full is waited for', async () => {
    const { server, recover } = await loadedFake();
    let busy = 2;
    server.faults = ({ path }) => (path === '/api/chat' && busy-- > 0 ? 'busy' : null);
    expect(await recover('overloaded')).toBe('here');
    expect(server.loads).toBe(1);
  });

  test('without the model any more is hopeless', async () => {
    const { server, recover } = await loadedFake();
    server.deleteModel('tiny-scorer');
    expect(await rejectionOf(recover('server-error'))).toMatchObject({
      name: 'EngineError',
      kind: 'model-not-found',
      hint: 'Fetch it with: ollama pull tiny-scorer',
    });
  });

  test('without memory for the model is hopeless, with a hint', async () => {
    const { server, recover } = await loadedFake();
    server.faults = ({ path }) => (path === '/api/chat' ? 'oom' : null);
    expect(await rejectionOf(recover('engine-crashed'))).toMatchObject({
      kind: 'out-of-memory',
      hint: expect.stringContaining('num_ctx') as string,
    });
  });

  test('that stays away is given up', async () => {
    const { server, recover } = await loadedFake();
    await server.stop();
    expect(await rejectionOf(recover('connection', { maxMs: 0 }))).toMatchObject({ kind: 'unusable' });
  });

  test('is no longer waited for when the run stops', async () => {
    const { server, recover } = await loadedFake();
    await server.stop();
    const controller = new AbortController();
    const reason = new Error('stopped');
    const stopped = recover('connection', {
      signal: controller.signal,
      onNotice: () => setImmediate(() => controller.abort(reason)),
    });
    expect(await rejectionOf(stopped)).toBe(reason);
  });
});
