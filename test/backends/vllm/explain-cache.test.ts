import { expect, test } from 'vitest';
import { explainCache } from '../../../src/backends/vllm/explain-cache.ts';
import type { VllmInfo } from '../../../src/backends/vllm/settings.ts';
import { openFakeVllm } from '../../helpers/fake-vllm.ts';
import { context } from '../conformance.ts';
import { question } from './asking.ts';

const info = { blockTokens: 16, prefixCaching: true, kvTokens: 65_536, device: 'NVIDIA L4' } as VllmInfo;
const calm = { peakUsage: 0.4, preemptions: 0 };

test.each([
  ['a cache that is off', { prefixCaching: false }, calm, /: --option enable_prefix_caching=true\.$/],
  ['blocks longer than what is shared', { blockTokens: 128 }, calm, /whole blocks of 128 tokens .* block_size=32\.$/],
  ['a full KV cache', {}, { ...calm, peakUsage: 0.97 }, /65,536 tokens was full, so it .*gpu_memory_utilization\.$/],
  ['one too small', { device: 'CPU' }, { ...calm, preemptions: 3 }, /3 requests had to .*VLLM_CPU_KVCACHE_SPACE/],
])('%s is told with its setting', (_cause, changes, seen, text) => {
  expect(explainCache({ sharedTokens: 100 }, { ...info, ...changes }, seen)).toMatch(text);
});

test.each([
  ['nothing stands out', {}],
  ['the version does not tell', { blockTokens: null, prefixCaching: null, kvTokens: null }],
])('no cause is known where %s', (_why, changes) => {
  expect(explainCache({ sharedTokens: 20 }, { ...info, ...changes }, { peakUsage: 0.2, preemptions: null })).toBeNull();
});

test('an engine knows its blocks, and how full it was', async () => {
  const { backend } = await openFakeVllm({ stepMs: 20, kvTokens: 1024 });
  const explain = async (sharedTokens: number): Promise<string | null> =>
    backend.inspection!.explainCache!({ promptTokens: 200, sharedTokens, cachedTokens: 0 });
  expect(await explain(100)).toBeNull();
  await backend.generate(question('z'.repeat(950), { max_tokens: 50 }), context());
  expect(await explain(100)).toMatch(/^The KV cache of 1,024 tokens was full/);
});
