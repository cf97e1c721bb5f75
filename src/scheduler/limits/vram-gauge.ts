import type { GpuSample } from '../../core/measurements.ts';
import type { VramLimit } from '../../core/settings.ts';

/** The GPU that is nearest to its limit, or farthest above it. Shares are of its memory. */
export interface VramReading {
  share: number;
  limit: number;
  /** `near` is under the limit, but not by enough to call it room. */
  level: 'over' | 'near' | 'below';
}

export interface VramGauge {
  /** The reading of these samples; null where no driver tells how much is used. */
  read: (gpus: GpuSample[]) => VramReading | null;
  /** Takes what the GPUs above their limit hold now as given: their limit is that, and some growth. */
  accept: (gpus: GpuSample[]) => void;
}

const defaultShare = 0.875;
/** Smallest room that ends a pause, and largest growth that still counts as none, as shares of the memory. */
const margin = 0.02;

export function createVramGauge(limit: VramLimit): VramGauge {
  /** Share of the memory in use that was accepted as given, by the number of the GPU. */
  const accepted = new Map<number, number>();

  const readOne = (gpu: GpuSample, index: number): VramReading | null => {
    if (gpu.usedBytes === null || !gpu.totalBytes) return null;
    const share = gpu.usedBytes / gpu.totalBytes;
    const given = accepted.get(index);
    const max = given === undefined ? limitShare(limit, gpu.totalBytes) : given + margin;
    const level = share >= max ? 'over' : share <= (given ?? max - margin) ? 'below' : 'near';
    return { share, limit: max, level };
  };
  const readAll = (gpus: GpuSample[]): (VramReading | null)[] => (limit === 'none' ? [] : gpus.map(readOne));

  return {
    read: (gpus) =>
      readAll(gpus)
        .filter((reading) => reading !== null)
        .toSorted((a, b) => b.share - b.limit - (a.share - a.limit))[0] ?? null,
    accept(gpus) {
      for (const [index, reading] of readAll(gpus).entries()) {
        if (reading?.level === 'over') accepted.set(index, reading.share);
      }
    },
  };
}

function limitShare(limit: VramLimit, totalBytes: number): number {
  if (typeof limit === 'string') return defaultShare;
  return 'share' in limit ? limit.share : limit.bytes / totalBytes;
}
