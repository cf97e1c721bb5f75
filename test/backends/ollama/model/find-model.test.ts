import { describe, expect, test } from 'vitest';
import { findModel, isNamed } from '../../../../src/backends/ollama/model/find-model.ts';
import { expectSilence } from '../expect-silence.ts';
import { clientOf, never, rejectionOf, startFake } from '../open-ollama-for-test.ts';
import { shownTinyScorer, startScripted } from '../scripted-server.ts';

expectSilence();

describe('a model of the server', () => {
  test.each(['tiny-scorer', 'tiny-scorer:latest', 'Tiny-Scorer'])(
    'is found as %s, with its digest and size',
    async (name) => {
      const found = await findModel(clientOf(await startFake()), name, never);
      expect(found).toMatchObject({
        digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
        facts: { family: 'llama', trainedTokens: 4096, knowsControlTokens: true },
      });
      expect(found.weightsBytes).toBeGreaterThan(100_000);
    },
  );

  test('is asked for its lists, which are not there otherwise', async () => {
    const server = await startFake();
    await findModel(clientOf(server), 'tiny-scorer', never);
    expect(server.requests.find(({ path }) => path === '/api/show')?.body).toEqual({
      model: 'tiny-scorer',
      verbose: true,
    });
  });

  test('has no digest where it runs elsewhere', async () => {
    for (const models of [[], null]) {
      const server = await startScripted({ '/api/tags': JSON.stringify({ models }), '/api/show': shownTinyScorer });
      expect(await findModel(clientOf(server), 'big:cloud', never)).toMatchObject({ digest: null, weightsBytes: null });
    }
  });
});

describe('a model that the server has not', () => {
  test('is refused, with how to fetch it', async () => {
    const server = await startFake();
    expect(await rejectionOf(findModel(clientOf(server), 'gemma3:4b', never))).toMatchObject({
      name: 'EngineError',
      kind: 'model-not-found',
      message: `the Ollama server at ${server.url} has no model "gemma3:4b"`,
      hint: 'Fetch it with: ollama pull gemma3:4b',
    });
  });

  test('is guessed from a name that is nearly right', async () => {
    const server = await startFake({ models: ['tiny-scorer', 'gemma3:4b'] });
    const hintOf = async (name: string) => rejectionOf(findModel(clientOf(server), name, never));
    expect(await hintOf('tiny-scorrer')).toMatchObject({
      hint: expect.stringContaining('Did you mean tiny-scorer?') as string,
    });
    expect(await hintOf('gemma3:4')).toMatchObject({
      hint: expect.stringContaining('Did you mean gemma3:4b?') as string,
    });
  });
});

test('another failure keeps its kind, and a stop its reason', async () => {
  const server = await startScripted({ '/api/show': { status: 401, body: '{"error":"unauthorized"}' } });
  expect(await rejectionOf(findModel(clientOf(server), 'big:cloud', never))).toMatchObject({ kind: 'unauthorized' });
  const controller = new AbortController();
  server.replies['/api/show'] = () => controller.abort('stopped');
  expect(await rejectionOf(findModel(clientOf(server), 'x', controller.signal))).toBe('stopped');
});

test.each([
  ['gemma3:4b', 'gemma3:4b', true],
  ['tiny:latest', 'tiny', true],
  ['tiny', 'tiny:latest', true],
  ['Tiny:Latest', 'tiny', true],
  ['gemma3:4b', 'registry.ollama.ai/library/Gemma3:4b', true],
  ['hf.co/user/model:latest', 'hf.co/user/model', true],
  ['localhost:5000/a/b:latest', 'localhost:5000/a/b', true],
  ['gemma3:4b', 'gemma3', false],
  ['gemma3:4b', 'gemma3:4', false],
  ['tiny:latest', 'tiny-scorer', false],
  ['user/tiny:latest', 'tiny', false],
])('is %s named %s? %s', (known, name, same) => {
  expect(isNamed({ name: known }, name)).toBe(same);
});
