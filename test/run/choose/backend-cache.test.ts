import { describe, expect, test } from 'vitest';
import { mockBackend } from '../../../src/backends/mock/index.ts';
import type { BackendDefinition } from '../../../src/core/backend.ts';
import { createBackendCache } from '../../../src/run/choose/backend-cache.ts';
import { openRequest } from '../../helpers/open-request.ts';

function watched(): { definition: BackendDefinition; log: string[] } {
  const log: string[] = [];
  const definition: BackendDefinition = {
    ...mockBackend,
    async open(asked) {
      log.push(`open ${asked.model}`);
      return { ...(await mockBackend.open(asked)), close: async () => void log.push(`close ${asked.model}`) };
    },
  };
  return { definition, log };
}

describe('the backend cache', () => {
  test('loads a model once for all inputs that ask for the same', async () => {
    const { definition, log } = watched();
    const cache = createBackendCache();
    const first = await cache.open(definition, openRequest('mock'));
    expect(await cache.open(definition, openRequest('mock'))).toBe(first);
    expect(log).toEqual(['open mock']);
  });

  test('keeps an engine whose form was chosen when it is asked for by that form, and not by another', async () => {
    const cache = createBackendCache();
    const backend = await mockBackend.open(openRequest('mock'));
    const formed = { ...mockBackend, open: async () => ({ ...backend, info: { ...backend.info, form: 'library' } }) };
    const first = await cache.open(formed, openRequest('mock'));
    expect(await cache.open(formed, { ...openRequest('mock'), form: 'library' })).toBe(first);
    expect(await cache.open(formed, { ...openRequest('mock'), form: 'llama-server' })).not.toBe(first);
  });

  test('closes the loaded model before it loads another', async () => {
    const { definition, log } = watched();
    const cache = createBackendCache();
    await cache.open(definition, openRequest('mock'));
    await cache.open(definition, openRequest('mock:other'));
    await cache.close();
    await cache.close();
    expect(log).toEqual(['open mock', 'close mock', 'open mock:other', 'close mock:other']);
  });
});
