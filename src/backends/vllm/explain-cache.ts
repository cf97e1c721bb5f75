import type { CacheFacts } from '../../core/backend.ts';
import { formatCounted, formatInteger } from '../../text/format.ts';
import { explainBlocks } from '../request/explain-blocks.ts';
import type { VllmInfo } from './settings.ts';

/** What was seen of the KV cache since the engines were loaded. */
export interface KvPressure {
  /** The largest share of it that the requests in work held, 0 to 1. */
  peakUsage: number;
  /** How often a request in work had to give its place up and begin anew; null where the version does not tell. */
  preemptions: number | null;
}

/** A share in use that leaves next to no room for prompts of requests that have ended. */
const nearlyFull = 0.9;

const ways = { turnOn: '--option enable_prefix_caching=true', blockSize: '--option block_size=' };

/** Why little of what prompts share came from vLLM's prefix cache, and what to set; null where no cause is known. */
export function explainCache(
  { sharedTokens }: Pick<CacheFacts, 'sharedTokens'>,
  info: VllmInfo,
  seen: KvPressure,
): string | null {
  const cache = { isOn: info.prefixCaching !== false, blockTokens: info.blockTokens };
  return explainBlocks(cache, sharedTokens, ways) ?? explainRoom(info, seen);
}

function explainRoom({ kvTokens, device }: VllmInfo, { peakUsage, preemptions }: KvPressure): string | null {
  const begunAnew = preemptions ?? 0;
  if (kvTokens === null || (peakUsage < nearlyFull && begunAnew === 0)) return null;
  const told = begunAnew === 0 ? '' : `, and ${formatCounted(begunAnew, 'request')} had to start again`;
  const larger =
    device === 'CPU' ? 'VLLM_CPU_KVCACHE_SPACE (GiB) in the environment' : '--option gpu_memory_utilization';
  return `The KV cache of ${formatInteger(kvTokens)} tokens was full${told}, so it dropped the cached beginnings of other prompts: set a smaller --option max_num_seqs, or a larger ${larger}.`;
}
