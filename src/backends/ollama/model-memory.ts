import { formatBytes, formatPercent } from '../../core/format.ts';
import type { ModelMemory } from '../../core/snapshot.ts';
import { isNamed } from './find-model.ts';
import type { LoadedModel } from './loaded-model.ts';

/** What `/api/ps` says of the loaded model; null where it isn't there. */
export async function modelMemory(
  { client, name }: Pick<LoadedModel, 'client' | 'name'>,
  { weightsBytes, signal }: { weightsBytes: number | null; signal: AbortSignal },
): Promise<ModelMemory | null> {
  const model = (await client.ps(signal)).find((known) => isNamed(known, name));
  return model === undefined ? null : { weightsBytes, loadedBytes: model.size, vramBytes: model.size_vram };
}

/** A warning where the GPU holds only a part of the model: the CPU does the rest, many times slower. */
export function offloadWarning(
  { loadedBytes, vramBytes }: ModelMemory,
  { facts, runner }: LoadedModel,
  slots: number,
): string | null {
  if (vramBytes === 0 || vramBytes >= loadedBytes) return null;
  const cache = facts.kvBytesPerToken === null ? null : facts.kvBytesPerToken * runner.num_ctx * slots;
  const upTo = facts.hasSlidingWindow ? 'up to ' : '';
  const cacheText =
    cache === null ? '' : ` (the KV cache of ${slots} x ${runner.num_ctx} tokens takes ${upTo}${formatBytes(cache)})`;
  const share = formatPercent(1 - vramBytes / loadedBytes);
  return `warning: ${share} of the model lies outside the GPU's memory, which makes it many times slower${cacheText}: lower --option num_ctx= or OLLAMA_NUM_PARALLEL, or take a smaller quantisation`;
}
