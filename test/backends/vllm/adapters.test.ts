import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openFakeVllm } from '../../helpers/fake-vllm.ts';
import { openRequest } from '../../helpers/open-request.ts';
import { scratchFile, scratchFolder } from '../../helpers/scratch-folder.ts';
import { ask, at, complete, question, say, shareVllm } from './asking.ts';

describe('embeddings', () => {
  const vllm = shareVllm({}, { model: 'fake/embedder' });

  test('of one text, and of several', async () => {
    const { backend } = vllm();
    const embed = async (input: unknown): Promise<unknown[]> => {
      const { body } = await complete(backend, at('/v1/embeddings', { input }));
      expect(body.object).toBe('list');
      return (body.data as { index: number; embedding: number[] }[]).map(({ embedding }) => embedding);
    };
    const [[sql], [java], both] = [await embed('sql'), await embed('java'), await embed(['sql', 'java'])];
    expect(both).toEqual([sql, java]);
    expect(sql).toHaveLength(8);
  });

  test('a chat, other dimensions, and one text of several that is too long fail alone', async () => {
    const { backend } = vllm();
    expect(await ask(backend, question('a'))).toMatchObject({ kind: 'bad-request' });
    const failures: [object, string, RegExp][] = [
      [{ input: 'a', dimensions: 4 }, 'bad-request', /does not support Matryoshka/],
      [{ input: ['a', 'x'.repeat(5000)] }, 'context-too-long', /5,0\d\d tokens/],
      [{ input: ['a', ''] }, 'bad-request', /`input`/],
      [{ input: 'a', encoding_format: 'base64' }, 'bad-request', /numbers only/],
    ];
    for (const [body, kind, message] of failures)
      expect(await ask(backend, at('/v1/embeddings', { ...body }))).toMatchObject({
        kind,
        message: expect.stringMatching(message) as string,
      });
    await complete(backend, at('/v1/embeddings', { input: 'a' }));
  });
});

describe('LoRA adapters', () => {
  test('answer for the requests that name them', async () => {
    const adapter = await scratchFolder();
    const options = { enable_lora: true, lora_modules: `polite=${adapter},gone=${join(adapter, 'gone')}` };
    const { backend } = await openFakeVllm({}, { options });
    expect(backend.canServe?.(openRequest('polite'))).toBe(true);
    expect(await say(backend, question('hi', { model: 'polite' }))).toBe('polite: hi');
    expect(await say(backend, question('hi'))).toBe('hi');
    expect(await ask(backend, question('hi', { model: 'gone' }))).toMatchObject({
      kind: 'bad-request',
      message: expect.stringContaining('No adapter found') as string,
    });
  });

  test('open their base model when one of them is named', async () => {
    const base = JSON.stringify({ base_model_name_or_path: 'fake/tiny-scorer' });
    const adapter = dirname(await scratchFile(base, 'adapter_config.json'));
    const options = { enable_lora: true, lora_modules: `polite=${adapter}` };
    const { backend } = await openFakeVllm({}, { model: 'polite', options });
    expect(await say(backend, question('hi', { model: 'polite' }))).toBe('polite: hi');
  });
});
