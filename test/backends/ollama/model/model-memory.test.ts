import { describe, expect, test } from 'vitest';
import { loadModel } from '../../../../src/backends/ollama/model/load-model.ts';
import { modelMemory, offloadWarning } from '../../../../src/backends/ollama/open/describe-model.ts';
import { expectSilence } from '../expect-silence.ts';
import { loadedOn, never, openOn, rejectionOf, startFake, tinyScorerFacts } from '../open-ollama-for-test.ts';

expectSilence();

const nowhere = { url: 'http://127.0.0.1:9' };

describe('the memory of a model', () => {
  test('is what the server says of the loaded one', async () => {
    const server = await startFake({ vram: 1 });
    const loaded = loadedOn(server);
    expect(await modelMemory(loaded, { weightsBytes: 5, signal: never })).toBe(null);
    await loadModel(loaded, never);
    const memory = await modelMemory(loaded, { weightsBytes: 5, signal: never });
    expect(memory).toMatchObject({ weightsBytes: 5 });
    expect(memory?.vramBytes).toBe(memory?.loadedBytes);
    expect(memory?.loadedBytes).toBeGreaterThan(1_000_000);
  });

  test('is asked through the backend, which fails where the server does', async () => {
    const server = await startFake({ vram: 0.5 });
    const backend = await openOn(server);
    const memory = await backend.inspection?.memory?.();
    expect(memory?.vramBytes).toBe(Math.round((memory?.loadedBytes ?? 0) / 2));
    await server.stop();
    expect(await rejectionOf(backend.inspection?.memory?.() ?? Promise.resolve())).toBeInstanceOf(Error);
  });
});

describe('a model that lies partly outside the GPU', () => {
  const half = { weightsBytes: 1, loadedBytes: 1000, vramBytes: 250 };

  test('is warned of, with what the KV cache takes', () => {
    const loaded = loadedOn(nowhere, { runner: { num_ctx: 2048 } });
    const text = offloadWarning(half, loaded, 4);
    // 1,152 bytes a token, in four windows of 2,048.
    expect(text).toContain('75.0% of the model');
    expect(text).toContain('(the KV cache of 4 x 2048 tokens takes 9.0 MiB)');
    expect(text).toContain('OLLAMA_NUM_PARALLEL');
  });

  test('may take less where its layers slide, and an unknown cache is not told', () => {
    const sliding = loadedOn(nowhere, { facts: { ...tinyScorerFacts, hasSlidingWindow: true } });
    expect(offloadWarning(half, sliding, 1)).toContain('takes up to');
    const unknown = loadedOn(nowhere, { facts: { ...tinyScorerFacts, kvBytesPerToken: null } });
    expect(offloadWarning(half, unknown, 1)).not.toContain('KV cache');
  });

  test.each([
    ['lies in it', 1000],
    ['needs no GPU', 0],
  ])('is none where it wholly %s', (_, vramBytes) => {
    expect(offloadWarning({ ...half, vramBytes }, loadedOn(nowhere), 4)).toBe(null);
  });
});
