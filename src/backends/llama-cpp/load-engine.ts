import type { Llama, LlamaContext, LlamaModel } from 'node-llama-cpp';
import { codeOf, EngineError, messageOf } from '../../core/errors.ts';
import type { EngineInfo, EngineSettings } from './engine-settings.ts';

type EngineModule = typeof import('node-llama-cpp');

export interface LoadedEngine {
  engine: EngineModule;
  llama: Llama;
  model: LlamaModel;
  context: LlamaContext;
  info: EngineInfo;
  /** The engine's last complaints: its errors often say no more than "failed". */
  lastLog: () => string;
}

const installHint = 'npm install node-llama-cpp';
const keptLogLines = 5;

/** Loads the engine and the model. Throws an `EngineError`. */
export async function loadEngine(settings: EngineSettings): Promise<LoadedEngine> {
  const engine = await importEngine();
  const log: string[] = [];
  const lastLog = (): string => (log.length === 0 ? '' : ` The engine says: ${log.slice(-keptLogLines).join(' ')}`);
  const llama = await startLlama(engine, settings, (line) => log.push(line.trim()));
  try {
    const model = await llama.loadModel({
      modelPath: settings.path,
      ...(settings.gpuLayers === null ? {} : { gpuLayers: settings.gpuLayers }),
    });
    const context = await createContext(model, settings);
    const { contextSize: contextTokens } = context;
    const version = await engine.getModuleVersion();
    const info = { version, contextTokens, trainedTokens: model.trainContextSize, device: llama.gpu || 'CPU' };
    return { engine, llama, model, context, info, lastLog };
  } catch (error) {
    const hint =
      error instanceof engine.InsufficientMemoryError
        ? 'fewer --workers or a smaller --option context_size'
        : undefined;
    throw new EngineError(
      'unusable',
      `node-llama-cpp can't load ${settings.path}: ${messageOf(error)}.${lastLog()}`,
      hint,
    );
  }
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
      : `node-llama-cpp is not whole: ${messageOf(error)}.`;
    throw new EngineError('unusable', what, installHint);
  }
}

async function startLlama(
  engine: EngineModule,
  settings: EngineSettings,
  onLog: (line: string) => void,
): Promise<Llama> {
  const { gpu, threads } = settings;
  try {
    return await engine.getLlama({
      gpu: gpu === 'off' ? false : gpu,
      build: 'never',
      maxThreads: threads,
      progressLogs: false,
      logLevel: engine.LlamaLogLevel.error,
      logger: (_level, message) => onLog(message),
    });
  } catch (error) {
    if (!(error instanceof engine.NoBinaryFoundError))
      throw new EngineError('unusable', `node-llama-cpp can't start: ${messageOf(error)}.`);
    const machine = `${process.platform}-${process.arch}`;
    const wanted = gpu === 'auto' || gpu === 'off' ? '' : ` with ${gpu}`;
    const hint = wanted === '' ? installHint : '--option gpu=auto';
    throw new EngineError('unusable', `node-llama-cpp has no binary for ${machine}${wanted}.`, hint);
  }
}

function createContext(model: LlamaModel, settings: EngineSettings): Promise<LlamaContext> {
  return model.createContext({
    sequences: settings.sequences,
    contextSize: Math.min(settings.contextTokens, model.trainContextSize),
    threads: settings.threads,
    ...(settings.batchTokens === null ? {} : { batchSize: settings.batchTokens }),
    ...(settings.flashAttention === null ? {} : { flashAttention: settings.flashAttention }),
  });
}
