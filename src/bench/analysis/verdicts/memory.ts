import { formatBytes, formatPercent } from '../../../text/format.ts';
import { type Evidence, type FindVerdict } from './evidence.ts';
import { startAndEnd } from './start-and-end.ts';

const fullShare = 0.97;
/** Less is what a machine does by the way. */
const swapGrowthBytes = 256 * 1024 ** 2;
const fix =
  'Lower the context (--option num_ctx, max_model_len or context_size) or the slots, or take a smaller quantisation.';

/** Part of the model lies outside the GPU, its memory is full, or the machine swaps. */
export const findMemory: FindVerdict = (evidence) => {
  const signs = [offload(evidence), fullVram(evidence), swapping(evidence)].filter((sign) => sign !== null);
  return signs.length === 0 ? null : { cause: 'memory', text: `Memory is short: ${signs.join('; ')}. ${fix}` };
};

/** A model that lies wholly in the machine's memory, where no GPU was seen, was meant to. */
function offload({ record }: Evidence): string | null {
  const { modelMemory } = record.summary.machine;
  if (modelMemory === null) return null;
  const { vramBytes, loadedBytes } = modelMemory;
  const hasGpu = vramBytes > 0 || record.windows.some(({ gpu }) => gpu !== null);
  if (!hasGpu || vramBytes >= 0.99 * loadedBytes) return null;
  const outside = loadedBytes - vramBytes;
  return `${formatBytes(outside)} of the model's ${formatBytes(loadedBytes)} (${formatPercent(outside / loadedBytes)}) lie outside the GPU, and the CPU works on them`;
}

function fullVram({ record }: Evidence): string | null {
  const shares = record.windows.map(({ gpu }) =>
    gpu?.used_bytes && gpu.total_bytes ? { used: gpu.used_bytes, total: gpu.total_bytes } : null,
  );
  const fullest = shares
    .filter((share) => share !== null)
    .reduce<{ used: number; total: number } | null>(
      (most, share) => (most === null || share.used / share.total > most.used / most.total ? share : most),
      null,
    );
  if (fullest === null || fullest.used < fullShare * fullest.total) return null;
  return `GPU memory is at ${formatPercent(fullest.used / fullest.total)} (${formatBytes(fullest.used)} of ${formatBytes(fullest.total)})`;
}

function swapping({ record }: Evidence): string | null {
  const swap = startAndEnd(record.windows, ({ swap_bytes }) => swap_bytes);
  if (swap === null || swap.end - swap.start < swapGrowthBytes) return null;
  return `the machine swaps, ${formatBytes(swap.start)} at the start and ${formatBytes(swap.end)} at the end`;
}
