import { formatBytes, formatPercent } from '../../../text/format.ts';
import { type Evidence, type FindVerdict } from './evidence.ts';
import { startAndEnd } from './start-and-end.ts';

/** Share of the GPU memory from which on it counts as full. */
const fullShare = 0.97;
/** Growth of the swapped memory that is more than a machine does in passing. */
const swapGrowthBytes = 256 * 1024 ** 2;
const fix =
  'Lower the context (--option num_ctx, max_model_len or context_size) or the slots, or use a smaller quantisation.';

/** Part of the model lies outside the GPU, its memory is full, or the machine swaps. */
export const findMemory: FindVerdict = (evidence) => {
  const signs = [offload(evidence), fullVram(evidence), swapping(evidence)].filter((sign) => sign !== null);
  return signs.length === 0 ? null : { cause: 'memory', text: `Memory is short: ${signs.join('; ')}. ${fix}` };
};

/** A model that lies wholly in the machine's memory, where no GPU was seen, was meant to. */
function offload({ record, windows }: Evidence): string | null {
  const { modelMemory } = record.summary.machine;
  if (modelMemory === null) return null;
  const { vramBytes, loadedBytes } = modelMemory;
  const hasGpu = vramBytes > 0 || windows.some(({ gpu }) => gpu !== null);
  if (!hasGpu || vramBytes >= 0.99 * loadedBytes) return null;
  const outside = loadedBytes - vramBytes;
  return `${formatBytes(outside)} of the model's ${formatBytes(loadedBytes)} (${formatPercent(outside / loadedBytes)}) are outside the GPU, and the CPU computes them`;
}

function fullVram({ windows }: Evidence): string | null {
  const shares = windows.map(({ gpu }) =>
    gpu?.usedBytes && gpu.totalBytes ? { used: gpu.usedBytes, total: gpu.totalBytes } : null,
  );
  const fullest = shares
    .filter((share) => share !== null)
    .toSorted((left, right) => right.used / right.total - left.used / left.total)
    .at(0);
  if (fullest === undefined || fullest.used < fullShare * fullest.total) return null;
  return `GPU memory is at ${formatPercent(fullest.used / fullest.total)} (${formatBytes(fullest.used)} of ${formatBytes(fullest.total)})`;
}

function swapping({ windows }: Evidence): string | null {
  const swap = startAndEnd(windows, ({ swapBytes }) => swapBytes);
  if (swap === null || swap.end - swap.start < swapGrowthBytes) return null;
  return `the machine moves memory to disk (swap): ${formatBytes(swap.start)} at the start, ${formatBytes(swap.end)} at the end`;
}
