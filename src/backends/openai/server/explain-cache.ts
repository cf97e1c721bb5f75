import type { CacheFacts } from '../../../core/backend.ts';
import { explainBlocks } from '../../request/explain-blocks.ts';
import type { ServerPlace } from '../http/base-url.ts';
import type { OpenaiClient } from '../http/client.ts';
import { forgetsBeginnings, hasSlidingWindow } from './sliding-window.ts';
import type { ServerFacts } from './server-facts.ts';

/** A hosted service caches no shorter beginning of a prompt (OpenAI's guide on prompt caching; others ask for as many or more). */
const minHostedTokens = 1024;

/** Explains why little came from the prefix cache of a server; empty where that is as it should be, null where nobody knows. */
export async function explainCache(
  client: OpenaiClient,
  { kind, modelPath }: ServerFacts,
  { sharedTokens }: CacheFacts,
): Promise<string | null> {
  if (kind === 'llama-server') return explainSlidingWindow(modelPath, client.place);
  if (kind === 'vllm') {
    const config = await cacheConfig(client);
    const cache = {
      isOn: config.get('enable_prefix_caching') !== 'False',
      blockTokens: Number(config.get('block_size')) || null,
    };
    return explainBlocks(cache, sharedTokens, vllmFlags);
  }
  return kind === null && sharedTokens < minHostedTokens ? '' : null;
}

const vllmFlags = { turnOn: 'start it with --enable-prefix-caching', blockSize: 'start it with --block-size ' };

async function explainSlidingWindow(modelPath: string | null, place: ServerPlace): Promise<string> {
  const known = modelPath === null ? null : await forgetsByWindow(modelPath, place);
  const way = 'start llama-server with --swa-full, which keeps them (and takes more memory for its KV cache)';
  if (known === true)
    return `The model has a sliding window, and this llama-server forgets the beginnings of prompts that lie outside it: ${way}.`;
  const others =
    'more requests at a time, or more different system prompts, than it has slots (--parallel), or another client';
  if (known === false) return `Likely causes: ${others}.`;
  return `If the model has a sliding window (Gemma, gpt-oss): ${way}. Other causes: ${others}.`;
}

/** What its process tells counts first: a server that was started with `--swa-full` has a reason of another kind. */
async function forgetsByWindow(modelPath: string, { url, isLocal }: ServerPlace): Promise<boolean | null> {
  if (!isLocal) return null;
  const forgets = await forgetsBeginnings(Number(new URL(url).port || 80), modelPath).catch(() => null);
  return forgets ?? hasSlidingWindow(modelPath).catch(() => null);
}

/** How a `vllm serve` caches, by the labels of `vllm:cache_config_info` in its metrics; empty where it does not tell. */
async function cacheConfig(client: OpenaiClient): Promise<ReadonlyMap<string, string>> {
  const { text } = await client.get(`${client.place.root}/metrics`, AbortSignal.timeout(maxMs));
  const labels = /^vllm:cache_config_info\{(.*)\}/m.exec(text)?.[1] ?? '';
  return new Map([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]));
}

const maxMs = 5000;
