import { expect, test } from 'vitest';
import { serve } from '../../helpers/serve.ts';
import { openOn } from './open-openai-for-test.ts';

async function countersOf(owner: string, metrics: string): Promise<unknown> {
  const list = JSON.stringify({ data: [{ id: 'tiny-scorer', owned_by: owner }] });
  const server = await serve({ '/v1/models': { body: list }, '/metrics': { body: metrics } });
  const { backend } = await openOn({ url: `${server.url}/v1` });
  return backend.inspection?.cacheCounters?.();
}

const ofEngine = (engine: number, prompt: number, cached: number): string =>
  `vllm:prefix_cache_queries_total{engine="${engine}",model_name="m"} ${prompt}.0
vllm:prefix_cache_hits_total{engine="${engine}",model_name="m"} ${cached}.0
`;

test('vllm serve counts the prompt tokens that it had in its cache, over all of its engines', async () => {
  expect(await countersOf('vllm', ofEngine(0, 1000, 400))).toEqual({ prompt: 1000, cached: 400 });
  expect(await countersOf('vllm', ofEngine(0, 1000, 400) + ofEngine(1, 500, 1))).toEqual({ prompt: 1500, cached: 401 });
});

test('a server that does not count says nothing', async () => {
  expect(await countersOf('vllm', '')).toBe(null);
  expect(await countersOf('someone', ofEngine(0, 1000, 400))).toBe(null);
});
