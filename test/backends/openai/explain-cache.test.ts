import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { serve } from '../../helpers/serve.ts';
import { scratchFolder } from '../../helpers/scratch-folder.ts';
import { openOn } from './open-openai-for-test.ts';

const facts = { promptTokens: 200, sharedTokens: 100, cachedTokens: 1 };
const listOf = (owner: string) => ({ body: JSON.stringify({ data: [{ id: 'tiny-scorer', owned_by: owner }] }) });

/** The explanation of a server of this kind, with these pages. */
async function explain(owner: string, pages: Record<string, string>, seen = facts): Promise<unknown> {
  const others = Object.fromEntries(Object.entries(pages).map(([path, body]) => [path, { body }]));
  const server = await serve({ '/v1/models': listOf(owner), ...others });
  const { backend } = await openOn({ url: `${server.url}/v1` });
  return backend.inspection?.explainCache?.(seen);
}

/** A llama-server that has a model's file with this text in its head. */
async function llamaServer(head: string): Promise<unknown> {
  const path = join(await scratchFolder(), 'model.gguf');
  await writeFile(path, `GGUF${'\0'.repeat(50)}${head}`);
  return explain('llamacpp', { '/props': JSON.stringify({ total_slots: 4, model_path: path }) });
}

test('a llama-server with a model that has a sliding window wants --swa-full', async () => {
  expect(await llamaServer('gemma3.attention.sliding_window')).toMatch(/^The model has a sliding window.*--swa-full/);
  expect(await llamaServer('llama.attention.head_count')).toMatch(/^Likely causes: more requests at a time/);
});

test('a llama-server whose file can’t be read is told of both', async () => {
  const props = JSON.stringify({ total_slots: 4, model_path: '/nowhere/model.gguf' });
  expect(await explain('llamacpp', { '/props': props })).toMatch(/^If the model has a sliding window.*another client/);
});

test('vllm serve tells how it caches by its metrics', async () => {
  const metrics = (labels: string): Record<string, string> => ({
    '/metrics': `# HELP x\nvllm:cache_config_info{${labels}} 1.0\n`,
  });
  expect(await explain('vllm', metrics('block_size="128",enable_prefix_caching="False"'))).toContain(
    '--enable-prefix-caching',
  );
  expect(await explain('vllm', metrics('block_size="128",enable_prefix_caching="True"'))).toContain('--block-size 32');
  expect(await explain('vllm', metrics('block_size="16",enable_prefix_caching="True"'))).toBe(null);
  expect(await explain('vllm', {})).toBe(null);
});

test('a hosted service caches no short beginnings, which is as it should be', async () => {
  expect(await explain('someone', {})).toBe('');
  expect(await explain('someone', {}, { ...facts, sharedTokens: 1500 })).toBe(null);
});
