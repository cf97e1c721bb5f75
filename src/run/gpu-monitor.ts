import type { Backend } from '../core/backend.ts';
import type { Emit } from '../core/events.ts';
import type { GpuSample, ModelMemory } from '../core/measurements.ts';
import type { GpuMonitor } from '../scheduler/limits/vram-guard.ts';

/** Passes on the samples of this machine's GPUs, as far as they say something about the engine of a run. */
export interface EngineGpuMonitor extends GpuMonitor {
  /** Takes the engine that is measured from now on. */
  setEngine: (backend: Backend) => void;
  /** Takes what the engine's model occupies. */
  setMemory: (memory: ModelMemory) => void;
  /** Takes one sample of this machine's GPUs. */
  add: (gpus: GpuSample[]) => void;
}

export function createGpuMonitor(emit: Emit): EngineGpuMonitor {
  const listeners = new Set<(gpus: GpuSample[]) => void>();
  const engine = { usesLocalGpus: true, vramBytes: null as number | null };
  return {
    setEngine({ info }) {
      Object.assign(engine, { usesLocalGpus: info.usesLocalGpus !== false, vramBytes: null });
    },
    setMemory({ vramBytes }) {
      engine.vramBytes = vramBytes;
    },
    add(gpus) {
      // The engine is on another machine: these are not its GPUs.
      if (!engine.usesLocalGpus) return;
      emit({ type: 'gpu-sample', gpus });
      // A model that lies all in the machine's memory has no part in what the GPUs hold.
      if (engine.vramBytes === 0) return;
      for (const listener of listeners) listener(gpus);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
