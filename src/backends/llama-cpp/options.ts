import { cpus } from 'node:os';
import type { z } from 'zod';
import type { OpenRequest } from '../../core/backend.ts';
import type { TemplateFacts } from '../request/template-facts.ts';
import type { ChosenThreads } from './threads/choose-threads.ts';
import type { ModelFile } from './model-file.ts';

export type LlamaOptions = z.infer<Awaited<ReturnType<typeof llamaOptionsSchema>>>;

export const llamaOptionsHelp: Record<string, string> = {
  batch_size: 'number of tokens evaluated at once, over all requests (default: 512)',
  context_size:
    'tokens of prompt and answer together, for each request (default: 4096, or the training length of the model if that is smaller)',
  flash_attention:
    'true or false (default on a CPU: false, because a short prompt after a long cached beginning is then up to ten times as fast, and usually gives the same numbers as alone; otherwise: the engine decides)',
  gpu: 'auto (default), off, cuda, vulkan, metal',
  gpu_layers: 'number of layers on the GPU (default: as many as fit)',
  server:
    'off (default): the library of node-llama-cpp; the path of a llama-server, which is then started instead; auto: a llama-server that is found and is newer than the library',
  swa_full:
    'true or false: for a model with a sliding window (Gemma 3), also keep the tokens outside the window, so that a shared beginning of prompts comes from the cache after a prompt and an answer of any length (default: true if memory allows)',
  threads:
    'CPU threads (default: on a CPU, the fastest in a short trial when the model is loaded, from the physical cores down to 1; with a llama-server the physical cores that other programs leave; else the physical cores; 1 for a model below 64 MB)',
};

/**
 * Checks `--option key=value`. Values may be texts, as the command line gives them; what it returns it accepts again.
 */
export async function llamaOptionsSchema() {
  const { z } = await import('zod');
  const number = z.union([z.number(), z.string().trim().min(1)]).pipe(z.coerce.number());
  const positive = number.pipe(z.int().min(1));
  return z.strictObject({
    batch_size: positive.optional(),
    context_size: positive.optional(),
    flash_attention: z.union([z.boolean(), z.stringbool()]).optional(),
    gpu: z.enum(gpuChoices).default('auto'),
    gpu_layers: number.pipe(z.int().min(0)).optional(),
    server: z.string().trim().min(1).default('off'),
    swa_full: z.union([z.boolean(), z.stringbool()]).optional(),
    threads: positive.optional(),
  });
}

const smallModelBytes = 64 * 1024 * 1024;
const defaultContextTokens = 4096;
/** llama.cpp has no more in one context. */
const maxSequences = 256;

/** Fills in what the user left open. A small model is slower on many threads, and its sequences cost nothing. */
export function engineSettings(
  request: OpenRequest,
  options: LlamaOptions,
  { file, server }: { file: ModelFile; server: ServerSettings | null },
): EngineSettings {
  const usual =
    file.bytes < smallModelBytes ? { threads: 1, sequences: 8 } : { threads: physicalCores(), sequences: 4 };
  return {
    model: request.model,
    path: file.path,
    server,
    gpu: options.gpu,
    gpuLayers: options.gpu_layers ?? null,
    threads: options.threads ?? usual.threads,
    triesThreads: options.threads === undefined,
    sequences: Math.min(request.workers ?? usual.sequences, maxSequences),
    contextTokens: options.context_size ?? request.conversationTokens ?? defaultContextTokens,
    batchTokens: options.batch_size ?? null,
    flashAttention: options.flash_attention ?? null,
    swaFull: options.swa_full ?? null,
    chatTemplate: request.chatTemplate,
    allowControlTokens: request.allowControlTokens,
    allowRepetition: request.allowRepetition,
  };
}

/** A guess: most processors with more than four logical cores show each core twice. */
function physicalCores(): number {
  const logical = cpus().length;
  return logical > 4 ? Math.floor(logical / 2) : logical;
}

/** The server that a worker is to start. */
export interface ServerSettings {
  path: string;
  version: string;
  /** The devices to take beside the CPU; null: those that it finds. */
  devices: string[] | null;
  /** What it computes on, in a word. */
  device: string;
  /** Its socket, in a folder of ours that nobody else can enter; null: a port of this machine alone. */
  socket: string | null;
}

/** Settings that the worker is opened with. */
export interface EngineSettings {
  /** The llama-server that makes the texts; null: the library. */
  server: ServerSettings | null;
  /** The model's name, as recorded with each answer. */
  model: string;
  path: string;
  gpu: GpuChoice;
  gpuLayers: number | null;
  threads: number;
  /** The user left it open: fewer are taken where the model is faster with them. */
  triesThreads: boolean;
  sequences: number;
  /** Wanted context of each sequence in tokens; the worker takes no more than the model was trained on. */
  contextTokens: number;
  batchTokens: number | null;
  flashAttention: boolean | null;
  /** Keeps what lies behind a sliding window, for models that have one; null: where it fits into memory. */
  swaFull: boolean | null;
  /** In place of the model's own; null: the model's own. */
  chatTemplate: string | null;
  allowControlTokens: boolean;
  allowRepetition: boolean;
}

const gpuChoices = ['auto', 'off', 'cuda', 'vulkan', 'metal'] as const;
export type GpuChoice = (typeof gpuChoices)[number];

/** Facts that are known when the model is loaded. */
export interface ModelInfo {
  /** Version of the engine's package, node-llama-cpp. */
  version: string;
  /** Tokens of each sequence: prompt and answer together. */
  contextTokens: number;
  trainedTokens: number;
  /** False: it makes embeddings. */
  makesText: boolean;
  /** What it computes on, as `deviceName` calls it. */
  device: string;
  /** CPU threads, and the trials that they were chosen by: none where the user chose, or nothing depends on it. */
  threads: ChosenThreads;
}

/** What the worker tells when the model is loaded. */
export interface EngineInfo extends ModelInfo {
  /** What the chat template can do; null: there is none, and the model can't be given a chat. */
  template: TemplateFacts | null;
  /** Where there is none, or it has no place for a system message: the names of common ones that may be the model's. */
  fittingTemplates: string[];
}

const deviceNames: Record<string, string> = { cuda: 'CUDA', vulkan: 'Vulkan', metal: 'Metal' };

/** `CUDA`, `Vulkan`, `Metal`, or `CPU` for an engine that uses no GPU. */
export const deviceName = (gpu: string | false): string => (gpu === false ? 'CPU' : (deviceNames[gpu] ?? gpu));
