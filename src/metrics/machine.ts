import type { AttemptTokens } from '../core/attempt-tokens.ts';
import type { VramStep } from '../core/events.ts';
import { type EngineLoad, type GpuSample, type ModelMemory, addMeasured, gpuMemory } from '../core/measurements.ts';
import type { MachineState } from '../core/snapshot.ts';
import { createEngineLoads } from './servers/engine-loads.ts';

export interface MachineWatch {
  addGpus(gpus: GpuSample[]): void;
  addProcess(cpuPercent: number, memoryBytes: number): void;
  addModel(memory: ModelMemory): void;
  addStep(step: VramStep): void;
  /** `server`: its number, where there are several. */
  addLoad(load: EngineLoad | null, server?: number): void;
  addRestart(server?: number): void;
  /** Sets the size of the context window in tokens; null where it is not known. */
  setContextLimit(tokens: number | null): void;
  /** Notes how much of the context window a request filled: its prompt, and as much of an answer as there was. */
  addContext(tokens: AttemptTokens): void;
  /** Counts a trim of a conversation's history. */
  addTrim(): void;
  /** Reads the state. An engine that is not at work reports no load: what it reported last is out of date. */
  read(isAtWork: (server: number) => boolean): MachineState;
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
  const loads = createEngineLoads();
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
    addLoad: (load, server = 0) => loads.set(server, load),
    addRestart(server = 0) {
      engineRestarts++;
      loads.set(server, null);
    },
    setContextLimit: (tokens) => void (context.limit = tokens),
    addContext({ promptTokens, completionTokens }) {
      const tokens = addMeasured(promptTokens, completionTokens);
      if (tokens === null || tokens === 0) return;
      context.current = tokens;
      context.peak = Math.max(context.peak ?? 0, tokens);
    },
    addTrim: () => void context.trims++,
    read: (isAtWork) => ({
      context: { ...context },
      gpus,
      gpuPeakBytes,
      engineProcess,
      engineLoad: loads.read(isAtWork),
      engineRestarts,
      modelMemory,
      vramGuard: gpus === null ? null : { ...guard },
    }),
  };
}
