import { describe, expect, test } from 'vitest';
import { mockBackend } from '../../../src/backends/mock/index.ts';
import { createTrialBackend } from '../../../src/bench/trial/trial-backend.ts';
import type { Backend, BackendDefinition, OpenRequest } from '../../../src/core/backend.ts';
import { EngineError } from '../../../src/core/errors.ts';
import { openRequest } from '../../helpers/open-request.ts';

/** Counts what is opened and closed, and for how many workers. */
function countedEngine(mostWorkers = 99) {
  const opened: (number | null)[] = [];
  const state = { open: 0 };
  const definition: BackendDefinition = {
    ...mockBackend,
    async open(request: OpenRequest): Promise<Backend> {
      opened.push(request.workers);
      if ((request.workers ?? 0) > mostWorkers) throw new EngineError('out-of-memory', 'too many');
      const backend = await mockBackend.open(request);
      state.open++;
      return {
        ...backend,
        async close() {
          state.open--;
        },
      };
    },
  };
  return { definition, opened, state };
}

const asked = (workers: number): OpenRequest => openRequest('mock', { workers });

describe('the slot of a bench', () => {
  test('opens an engine once for trials that differ in workers, for the most of them', async () => {
    const { definition, opened } = countedEngine();
    const slot = createTrialBackend(async () => 7);
    slot.prepare({ workers: 8, isColdStart: false });
    for (const workers of [2, 8, 4]) await slot.open(definition, asked(workers));
    expect([opened, slot.opened(), slot.facts()?.before]).toEqual([[8], 1, 7]);
    await slot.close();
  });

  test('opens it for as many as a trial wants where the most are too many', async () => {
    const { definition, opened } = countedEngine(4);
    const slot = createTrialBackend(async () => null);
    slot.prepare({ workers: 8, isColdStart: false });
    await slot.open(definition, asked(2));
    await slot.open(definition, asked(4));
    expect(opened).toEqual([8, 2, 4]);
    await slot.close();
  });

  test('unloads between requests where it is wished, and does not keep such an engine for other trials', async () => {
    const { definition, opened, state } = countedEngine();
    const slot = createTrialBackend(async () => null);
    slot.prepare({ workers: 1, isColdStart: true });
    const cycled = await slot.open(definition, asked(1));
    expect(state.open).toBe(0);
    const request = {
      id: 'a',
      line: 1,
      endpoint: '/v1/chat/completions' as const,
      body: { model: 'mock', messages: [{ role: 'user', content: 'hi' }] },
    };
    const context = { signal: new AbortController().signal, onFirstToken() {}, onActivity() {}, worker: 0 };
    expect(await cycled.generate(request, context)).toMatchObject({ status: 'completed' });
    expect([state.open, opened.length]).toEqual([0, 2]);
    slot.prepare({ workers: 1, isColdStart: false });
    const kept = await slot.open(definition, asked(1));
    await kept.generate(request, context);
    expect([state.open, opened.length]).toEqual([1, 3]);
    await slot.close();
    expect(state.open).toBe(0);
  });
});
