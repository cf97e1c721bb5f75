import type { VramStep } from '../core/events.ts';
import { gpuMemory, type GpuSample, type ModelMemory } from '../core/measurements.ts';
import type { Snapshot } from '../core/snapshot.ts';

type MachineFacts = Pick<Snapshot, 'gpus' | 'gpuPeakBytes' | 'engine' | 'modelMemory' | 'vramGuard'>;

export interface MachineWatch {
  addGpus(gpus: GpuSample[]): void;
  addProcess(cpuPercent: number, memoryBytes: number): void;
  addModel(memory: ModelMemory): void;
  addStep(step: VramStep): void;
  facts(): MachineFacts;
}

const guardCounters = { trim: 'trims', lower: 'lowered', pause: 'pauses' } as const;

/** The last sample and the peak of the GPUs and of the engine's process, what its model takes, and what its memory forced. */
export function createMachineWatch(): MachineWatch {
  let gpus: GpuSample[] | null = null;
  let gpuPeakBytes: number | null = null;
  let engine: MachineFacts['engine'] = null;
  let modelMemory: MachineFacts['modelMemory'] = null;
  const guard = { trims: 0, lowered: 0, pauses: 0 };
  return {
    addGpus(sample) {
      gpus = sample;
      const { usedBytes } = gpuMemory(sample);
      if (usedBytes !== null) gpuPeakBytes = Math.max(gpuPeakBytes ?? 0, usedBytes);
    },
    addProcess(cpuPercent, memoryBytes) {
      const peakMemoryBytes = Math.max(engine?.peakMemoryBytes ?? 0, memoryBytes);
      engine = { cpuPercent, memoryBytes, peakMemoryBytes };
    },
    addModel(memory) {
      modelMemory = memory;
    },
    addStep: (step) => void guard[guardCounters[step]]++,
    facts: () => ({ gpus, gpuPeakBytes, engine, modelMemory, vramGuard: gpus === null ? null : { ...guard } }),
  };
}
