import { describe, expect, test } from 'vitest';
import { describeModel } from '../../../../src/backends/ollama/open/describe-model.ts';
import { loadModel } from '../../../../src/backends/ollama/model/load-model.ts';
import type { LoadedModel } from '../../../../src/backends/ollama/model/loaded-model.ts';
import type { BatchRequest } from '../../../../src/core/request.ts';
import { openRequest } from '../../../helpers/open-request.ts';
import { chat } from '../../candidates.ts';
import { expectSilence } from '../expect-silence.ts';
import { loadedOn, never, startFake, tinyScorerFacts } from '../open-ollama-for-test.ts';

expectSilence();

const choice = { contextTokens: 1024, answerTokens: 512, reason: 'as asked for', warning: null };

async function notes(
  changes: Partial<Parameters<typeof describeModel>[0]> & {
    loaded?: Partial<LoadedModel>;
    temperature?: number;
    vram?: number;
    warning?: string;
  } = {},
) {
  const { loaded: given = {}, temperature = 0, vram = 0, warning = null, ...more } = changes;
  const loaded = loadedOn(await startFake({ vram }), given);
  await loadModel(loaded, never);
  const usual = chat([], Number.isNaN(temperature) ? {} : { temperature });
  const request = openRequest('m', { promptLengths: async () => ({ longest: [usual], usual }) });
  return describeModel(
    {
      prepared: { loaded, loadMs: 1, choice: { ...choice, warning } },
      version: '0.34.0',
      slots: 4,
      weightsBytes: 1,
      server: null,
      ...more,
    },
    request,
  );
}

const server = (environment: Record<string, string>) => ({ pid: 1, environment });

describe('what is said of a model', () => {
  test('is its window and why, and nothing more where all is well', async () => {
    expect(await notes({ server: server({ LLAMA_ARG_CACHE_RAM: '0' }) })).toEqual([
      'ollama: 4 slots of 1,024 tokens (as asked for)',
    ]);
    expect(await notes({ slots: 1 })).toEqual(['ollama: 1 slot of 1,024 tokens (as asked for)']);
    expect(await notes({ slots: null })).toEqual(['ollama: 1,024 tokens (as asked for)']);
  });

  test('is what will not fit', async () => {
    expect((await notes({ warning: 'a few lines are long' }))[1]).toBe('warning: a few lines are long');
  });

  test('is that a part of it lies outside the GPU', async () => {
    expect((await notes({ vram: 0.5 }))[1]).toContain('50.0% of the model');
    expect(await notes({ vram: 1 })).toHaveLength(1);
  });

  test('is that answers are drawn where nobody asked for it', async () => {
    expect((await notes({ temperature: Number.NaN }))[1]).toContain("drawn at Ollama's 0.8");
    const facts = { ...tinyScorerFacts, parameters: new Map([['temperature', '1']]) };
    expect((await notes({ temperature: Number.NaN, loaded: { facts } }))[1]).toContain('drawn at 1,');
  });

  test('is the cache that slows a server down, where it is there', async () => {
    const told = async (version: string, environment: Record<string, string>) =>
      (await notes({ version, server: server(environment) })).filter((text) => text.includes('LLAMA_ARG_CACHE_RAM'));
    expect(await told('0.34.0', {})).toHaveLength(1);
    expect(await told('0.34.0', { LLAMA_ARG_CACHE_RAM: '4096' })).toHaveLength(1);
    expect(await told('0.24.0', {})).toEqual([]);
  });

  test('is that its control tokens are not all known', async () => {
    const facts = { ...tinyScorerFacts, knowsControlTokens: false };
    expect((await notes({ loaded: { facts } }))[1]).toContain('does not list');
  });

  test('is no word of chats where it only embeds', async () => {
    const facts = { ...tinyScorerFacts, capabilities: ['embedding'], knowsControlTokens: false };
    const loaded = loadedOn(await startFake({ capabilities: ['embedding'] }), { facts });
    const prepared = { loaded, loadMs: 1, choice };
    const request = openRequest('m', { promptLengths: async () => ({ longest: [chat([])], usual: chat([]) }) });
    const described = { prepared, version: '0.34.0', slots: null, weightsBytes: 1, server: null };
    expect(await describeModel(described, request)).toHaveLength(1);
  });

  test('is no word of how answers are drawn where embeddings are asked for', async () => {
    const usual: BatchRequest = { ...chat([]), endpoint: '/v1/embeddings', body: { model: 'm', input: 'rust' } };
    const request = openRequest('m', { promptLengths: async () => ({ longest: [usual], usual }) });
    const prepared = { loaded: loadedOn(await startFake()), loadMs: 1, choice };
    const described = { prepared, version: '0.34.0', slots: null, weightsBytes: 1, server: null };
    expect(await describeModel(described, request)).toHaveLength(1);
  });
});
