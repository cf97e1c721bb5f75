import type { AttemptTokens } from '../core/attempt-tokens.ts';
import type { VramStep } from '../core/events.ts';
import { type EngineLoad, type GpuSample, type ModelMemory, addMeasured, gpuMemory } from '../core/measurements.ts';
import type { MachineState } from '../core/snapshot.ts';

export interface MachineWatch {
  addGpus(gpus: GpuSample[]): void;
  addProcess(cpuPercent: number, memoryBytes: number): void;
  addModel(memory: ModelMemory): void;
  addStep(step: VramStep): void;
  addLoad(load: EngineLoad | null): void;
  addRestart(): void;
  /** Sets the size of the context window in tokens; null where it is not known. */
  setContextLimit(tokens: number | null): void;
  /** Notes how much of the context window a request filled: its prompt, and as much of an answer as there was. */
  addContext(tokens: AttemptTokens): void;
  /** Counts a trim of a conversation's history. */
  addTrim(): void;
  /** Reads the state. An engine without requests in flight reports no load: what it reported last is out of date. */
  read(inFlight: number): MachineState;
}

const guardCounters = { trim: 'trims', lower: 'lowered', pause: 'pauses' } as const;

/** Keeps what was measured last of the engine and the machine, and the peaks. */
export function createMachineWatch(): MachineWatch {
  const context: MachineState['context'] = { current: null, peak: null, limit: null, trims: 0 };
  const guard = { trims: 0, lowered: 0, pauses: 0 };
  let gpus: GpuSample[] | null = null;
  let gpuPeakBytes: number | null = null;
  let engineProcess: MachineState['engineProcess'] = null;
  let modelMemory: ModelMemory | null = null;
  let engineLoad: EngineLoad | null = null;
  let engineRestarts = 0;
  return {
    addGpus(sample) {
      gpus = sample;
      const { usedBytes } = gpuMemory(sample);
      if (usedBytes !== null) gpuPeakBytes = Math.max(gpuPeakBytes ?? 0, usedBytes);
    },
    addProcess(cpuPercent, memoryBytes) {
      const peakMemoryBytes = Math.max(engineProcess?.peakMemoryBytes ?? 0, memoryBytes);
      engineProcess = { cpuPercent, memoryBytes, peakMemoryBytes };
    },
    addModel: (memory) => void (modelMemory = memory),
    addStep: (step) => void guard[guardCounters[step]]++,
    addLoad: (load) => void (engineLoad = load),
    addRestart() {
      engineRestarts++;
      engineLoad = null;
    },
    setContextLimit: (tokens) => void (context.limit = tokens),
    addContext({ promptTokens, completionTokens }) {
      const tokens = addMeasured(promptTokens, completionTokens);
      if (tokens === null || tokens === 0) return;
      context.current = tokens;
      context.peak = Math.max(context.peak ?? 0, tokens);
    },
    addTrim: () => void context.trims++,
    read: (inFlight) => ({
      context: { ...context },
      gpus,
      gpuPeakBytes,
      engineProcess,
      engineLoad: inFlight === 0 ? null : engineLoad,
      engineRestarts,
      modelMemory,
      vramGuard: gpus === null ? null : { ...guard },
    }),
  };
}
