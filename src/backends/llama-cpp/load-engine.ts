import { setTimeout as sleep } from 'node:timers/promises';
import type { Llama, LlamaContext, LlamaEmbeddingContext, LlamaModel } from 'node-llama-cpp';
import { codeOf, EngineError, messageOf } from '../../core/errors.ts';
import { type ChosenThreads, chooseThreads } from './threads/choose-threads.ts';
import { createContext, createEmbeddingContext } from './create-context.ts';
import { installCommand } from './install-command.ts';
import { isEmbeddingModel } from './model-texts.ts';
import { type EngineSettings, type GpuChoice, type ModelInfo, deviceName } from './options.ts';
import { readGguf } from './read-gguf.ts';
import { sentenceOf } from '../request/refuse.ts';

type EngineModule = typeof import('node-llama-cpp');

export interface LoadedEngine {
  engine: EngineModule;
  llama: Llama;
  model: LlamaModel;
  /** A `LlamaEmbeddingContext` where the model makes embeddings, and no text; null where a server is to make the text. */
  context: LlamaContext | LlamaEmbeddingContext | null;
  info: ModelInfo;
  /** Returns the engine's last log lines: its errors often say no more than "failed". */
  lastLog: () => string;
}

const keptLogLines = 5;
const maxLogMs = 500;

/**
 * Loads the engine and the model; of a model whose text a server makes, its vocabulary alone. Throws an `EngineError`.
 */
export async function loadEngine(settings: EngineSettings): Promise<LoadedEngine> {
  const engine = await importEngine();
  const isServed = settings.server !== null;
  let log: string[] = [];
  const lastLog = (): string => (log.length === 0 ? '' : ` The engine says: ${log.join(' ')}`);
  const llama = await startLlama(engine, isServed ? { ...settings, gpu: 'off' } : settings, (line) => {
    log = [...new Set([...log, line.trim()])].slice(-keptLogLines);
  });
  try {
    const model = await llama.loadModel({
      modelPath: settings.path,
      vocabOnly: isServed,
      ...(settings.gpuLayers === null ? {} : { gpuLayers: settings.gpuLayers }),
    });
    if (isServed && isEmbeddingModel(model)) {
      await llama.dispose();
      return await loadEngine({ ...settings, server: null });
    }
    const facts = { ...modelInfo(model, settings), version: await engine.getModuleVersion() };
    const { contextTokens } = facts;
    const context = isServed ? null : await contextOf(engine, model, { ...settings, contextTokens });
    const info = { ...facts, threads: await threadsOf(engine, context, settings) };
    return { engine, llama, model, context, info, lastLog };
  } catch (error) {
    const { problem } = await readGguf(engine, settings.path);
    if (problem !== null) throw new EngineError('unusable', `${problem.text}.`, problem.fix);
    // The log lines about a failure come through the event loop, a little later than the error.
    for (let waitedMs = 0; log.length === 0 && waitedMs < maxLogMs; waitedMs += 20) await sleep(20);
    const what = `node-llama-cpp can't load ${settings.path}: ${sentenceOf(error)}${lastLog()}`;
    throw new EngineError('unusable', what, memoryHint(engine, error));
  }
}

const memoryHint = ({ InsufficientMemoryError }: EngineModule, error: unknown): string | undefined =>
  error instanceof InsufficientMemoryError ? 'fewer --workers or a smaller --option context_size' : undefined;

function modelInfo(model: LlamaModel, settings: EngineSettings): Omit<ModelInfo, 'version' | 'threads'> {
  // Of a vocabulary alone only the file knows.
  const trainedTokens = model.fileInsights.trainContextSize ?? model.trainContextSize;
  return {
    // The engine takes more than the model was trained on without a word, and rounds up to a multiple of 256.
    contextTokens: Math.min(settings.contextTokens, trainedTokens),
    trainedTokens,
    makesText: !isEmbeddingModel(model),
    device: settings.server?.device ?? deviceName(model.llama.gpu),
  };
}

const contextOf = (
  engine: EngineModule,
  model: LlamaModel,
  settings: EngineSettings,
): Promise<LlamaContext | LlamaEmbeddingContext> =>
  isEmbeddingModel(model) ? createEmbeddingContext(model, settings) : createContext(engine, model, settings);

/** Tries threads where the answers come from a CPU. */
function threadsOf(
  { LlamaContext: TextContext }: EngineModule,
  context: LlamaContext | LlamaEmbeddingContext | null,
  { threads, triesThreads }: EngineSettings,
): Promise<ChosenThreads> | ChosenThreads {
  const isTried = triesThreads && threads > 1 && context instanceof TextContext && context.model.llama.gpu === false;
  return isTried ? chooseThreads(context) : { threads, trials: [] };
}

/** The engine is an optional package: it may be absent, lack a part, or have no binary for this machine. */
async function importEngine(): Promise<EngineModule> {
  try {
    return await import('node-llama-cpp');
  } catch (error) {
    if (codeOf(error) !== 'ERR_MODULE_NOT_FOUND') throw error;
    const isAbsent = messageOf(error).startsWith("Cannot find package 'node-llama-cpp'");
    const what = isAbsent
      ? 'The package node-llama-cpp is not installed.'
      : `node-llama-cpp is not whole: ${sentenceOf(error)}`;
    throw new EngineError('unusable', what, installCommand);
  }
}

async function startLlama(
  engine: EngineModule,
  settings: EngineSettings,
  onLog: (line: string) => void,
): Promise<Llama> {
  const { gpu, threads } = settings;
  const noBinary = (): EngineError => {
    const machine = `${process.platform}-${process.arch}`;
    if (allowsCpu(gpu))
      return new EngineError('unusable', `node-llama-cpp has no binary for ${machine}.`, installCommand);
    return new EngineError('unusable', `node-llama-cpp has no ${gpu} for ${machine}.`, '--option gpu=auto');
  };
  try {
    const llama = await engine.getLlama({
      gpu: gpu === 'off' ? false : gpu,
      build: 'never',
      maxThreads: threads,
      progressLogs: false,
      logLevel: engine.LlamaLogLevel.error,
      logger: (_level, message) => onLog(message),
    });
    // A device that the platform can't have at all (`metal` off macOS) silently becomes the CPU.
    if (!allowsCpu(gpu) && llama.gpu !== gpu) throw noBinary();
    return llama;
  } catch (error) {
    if (error instanceof engine.NoBinaryFoundError) throw noBinary();
    if (error instanceof EngineError) throw error;
    throw new EngineError('unusable', `node-llama-cpp can't start: ${sentenceOf(error)}`);
  }
}

const allowsCpu = (gpu: GpuChoice): boolean => gpu === 'auto' || gpu === 'off';
