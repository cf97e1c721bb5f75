/** What the worker is opened with. */
export interface EngineSettings {
  /** The model's name, as recorded with each answer. */
  model: string;
  path: string;
  gpu: GpuChoice;
  gpuLayers: number | null;
  threads: number;
  sequences: number;
  /** Wanted tokens of each sequence; the worker takes no more than the model was trained on. */
  contextTokens: number;
  batchTokens: number | null;
  flashAttention: boolean | null;
  allowControlTokens: boolean;
}

export const gpuChoices = ['auto', 'off', 'cuda', 'vulkan', 'metal'] as const;
export type GpuChoice = (typeof gpuChoices)[number];

/** What the worker says when the model is loaded. */
export interface EngineInfo {
  /** Of the engine's package. */
  version: string;
  /** Tokens of each sequence: prompt and answer together. */
  contextTokens: number;
  trainedTokens: number;
  /** Without one, the model can't be given a chat. */
  hasTemplate: boolean;
  /** `cuda`, `vulkan`, `metal`, or `CPU`. */
  device: string;
}
