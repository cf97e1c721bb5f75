import type { Gpu, Machine } from '../../../../src/core/doctor/examination.ts';
import type { FindingContext } from '../../../../src/backends/ollama/doctor/find-ollama.ts';
import type { InstalledModel, LoadedState } from '../../../../src/backends/ollama/doctor/installed-models.ts';
import type { SlotProbe } from '../../../../src/backends/ollama/doctor/probe.ts';
import type { ServerSettings } from '../../../../src/backends/ollama/doctor/server-settings.ts';

export const gibibyte = 1024 ** 3;

export const gpu = (freeGibibytes: number, totalGibibytes = 16): Gpu => ({
  name: 'NVIDIA GeForce RTX 4080',
  driver: '560.35.03',
  totalBytes: totalGibibytes * gibibyte,
  usedBytes: (totalGibibytes - freeGibibytes) * gibibyte,
  freeBytes: freeGibibytes * gibibyte,
});

/** 4,096 tokens of 128 KiB: half a GiB for each slot. */
export const loaded = (changes: Partial<LoadedState> = {}): LoadedState => ({
  contextTokens: 4096,
  bytes: 4 * gibibyte,
  vramBytes: 4 * gibibyte,
  kvBytesPerToken: 128 * 1024,
  hasSlidingWindow: false,
  ...changes,
});

export const model = (changes: Partial<InstalledModel> = {}): InstalledModel => ({
  name: 'gemma3:4b',
  weightsBytes: 3 * gibibyte,
  family: 'gemma3',
  parameters: '4.3B',
  quantisation: 'Q4_K_M',
  capabilities: ['completion'],
  isRemote: false,
  hasOneSlot: false,
  trainedTokens: 131_072,
  loaded: loaded(),
  ...changes,
});

export const probe = (changes: Partial<SlotProbe> = {}): SlotProbe => ({
  model: 'gemma3:4b',
  slots: 4,
  width: 16,
  foundBy: 'probe',
  probeMs: 400,
  loadMs: null,
  keyLength: 256,
  failure: null,
  ...changes,
});

export const settings = (
  values: Partial<ServerSettings['values']> = {},
  startedBy: ServerSettings['startedBy'] = 'systemd',
): ServerSettings => ({
  startedBy,
  values: {
    OLLAMA_NUM_PARALLEL: null,
    OLLAMA_CONTEXT_LENGTH: null,
    OLLAMA_KEEP_ALIVE: null,
    OLLAMA_KV_CACHE_TYPE: null,
    OLLAMA_FLASH_ATTENTION: null,
    OLLAMA_MAX_LOADED_MODELS: null,
    OLLAMA_MAX_QUEUE: null,
    LLAMA_ARG_CACHE_RAM: '0',
    LLAMA_ARG_SWA_FULL: null,
    ...values,
  },
});

/** What differs from the machine of `examined`. */
interface Changes {
  ollama?: Partial<FindingContext['ollama']>;
  asked?: Partial<FindingContext['asked']>;
  machine?: Partial<Omit<Machine, 'gpu'>>;
  gpu?: Partial<Machine['gpu']>;
}

/** A machine with one GPU and an Ollama server on it, of which there is nothing to say. */
export const examined = (changes: Changes = {}): FindingContext => ({
  asked: { host: null, model: null, ...changes.asked },
  machine: {
    platform: 'linux',
    freeMemoryBytes: 8 * gibibyte,
    ...changes.machine,
    gpu: { gpus: [gpu(10)], failure: null, ...changes.gpu },
  },
  ollama: {
    address: null,
    url: 'http://127.0.0.1:11434',
    isLocal: true,
    isInstalled: true,
    version: '0.34.0',
    failure: null,
    models: [model()],
    settings: settings(),
    isOpenToOthers: false,
    probe: probe(),
    ...changes.ollama,
  },
});

/** A machine without Ollama. */
export const withoutOllama = (changes: Changes = {}): FindingContext =>
  examined({
    gpu: { gpus: [] },
    ...changes,
    ollama: {
      version: null,
      isInstalled: false,
      models: [],
      settings: null,
      isOpenToOthers: null,
      probe: null,
      failure: { kind: 'silent', text: 'nothing answers at http://127.0.0.1:11434' },
      ...changes.ollama,
    },
  });
