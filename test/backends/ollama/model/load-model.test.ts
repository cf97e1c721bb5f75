import { describe, expect, test } from 'vitest';
import { loadModel } from '../../../../src/backends/ollama/model/load-model.ts';
import { modelFacts } from '../../../../src/backends/ollama/model/model-facts.ts';
import { expectSilence } from '../expect-silence.ts';
import { loadedOn, never, promised, rejectionOf, startFake } from '../open-ollama-for-test.ts';
import { startScripted } from '../scripted-server.ts';
import { waitFor } from '../../../helpers/wait.ts';

expectSilence();

describe('loading a model', () => {
  test('takes the run’s own options, for good, and tells how long it took', async () => {
    const server = await startFake({ loadMs: 30 });
    const loaded = loadedOn(server, { runner: { num_ctx: 2048, num_thread: 1 } });
    expect(await loadModel(loaded, never)).toBeGreaterThan(25);
    expect(server.loads).toBe(1);
    expect(server.requests.map(({ body }) => body)).toEqual([
      {
        model: 'tiny-scorer',
        messages: [],
        stream: false,
        keep_alive: -1,
        truncate: false,
        options: { num_ctx: 2048, num_thread: 1 },
      },
    ]);
  });

  test('is no chat for a model that only embeds', async () => {
    const server = await startFake({ capabilities: ['embedding'] });
    await loadModel(loadedOn(server, { facts: modelFacts({ capabilities: ['embedding'] }) }), never);
    expect(server.loads).toBe(1);
    expect(server.requests).toMatchObject([{ path: '/api/embed', body: { input: [], keep_alive: -1 } }]);
  });

  test('waits while the server is busy', async () => {
    const server = await startFake();
    server.faults = () => (server.requests.length < 4 ? 'busy' : null);
    await loadModel(loadedOn(server), never);
    // More often than a crash would be forgiven.
    expect(server.requests).toHaveLength(4);
    expect(server.loads).toBe(1);
  });

  test('tries again after a crash, twice', async () => {
    const server = await startFake();
    server.faults = () => 'load-failed';
    expect(await rejectionOf(loadModel(loadedOn(server), never))).toMatchObject({
      name: 'EngineError',
      kind: 'unusable',
      message: 'The Ollama server says: llama-server process has terminated: exit status 1.',
      hint: expect.stringContaining('server.log') as string,
    });
    expect(server.requests).toHaveLength(3);
  });

  test('says at once what to do where memory is lacking', async () => {
    const server = await startFake();
    server.faults = () => 'oom';
    expect(await rejectionOf(loadModel(loadedOn(server), never))).toMatchObject({
      kind: 'out-of-memory',
      hint: expect.stringMatching(/num_ctx= \(now 1024\).*OLLAMA_NUM_PARALLEL.*quantisation/) as string,
    });
    expect(server.requests).toHaveLength(1);
  });

  test('says at once that the model is gone', async () => {
    const server = await startFake();
    server.deleteModel('tiny-scorer');
    expect(await rejectionOf(loadModel(loadedOn(server), never))).toMatchObject({
      kind: 'model-not-found',
      hint: 'Fetch it with: ollama pull tiny-scorer',
    });
  });

  test('is given up with the reason of the signal, while it loads and while it waits', async () => {
    for (const status of [503, null]) {
      const asked = promised();
      const server = await startScripted({
        load(response) {
          if (status !== null) response.writeHead(status).end('{"error":"server busy"}');
          asked.keep();
        },
      });
      const controller = new AbortController();
      const loading = rejectionOf(loadModel(loadedOn(server), controller.signal));
      await asked.promise;
      if (status !== null) await waitFor(() => expect(server.requests).toHaveLength(2));
      controller.abort('stopped');
      expect(await loading).toBe('stopped');
    }
  });
});
