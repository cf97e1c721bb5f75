import { setTimeout as sleep } from 'node:timers/promises';
import type { Llama, LlamaContext, LlamaEmbeddingContext, LlamaModel } from 'node-llama-cpp';
import { codeOf, EngineError, messageOf } from '../../core/errors.ts';
import { fittingTemplates } from '../../core/chat-templates/named-templates.ts';
import { installCommand } from './install-command.ts';
import { chatTemplateOf, controlTexts, isEmbeddingModel } from './model-texts.ts';
import { type EngineInfo, type EngineSettings, type GpuChoice, deviceName } from './options.ts';
import { sentenceOf } from '../request/refuse.ts';

type EngineModule = typeof import('node-llama-cpp');

export interface LoadedEngine {
  engine: EngineModule;
  llama: Llama;
  model: LlamaModel;
  /** A `LlamaEmbeddingContext` where the model makes embeddings, and no text. */
  context: LlamaContext | LlamaEmbeddingContext;
  info: EngineInfo;
  /** Returns the engine's last log lines: its errors often say no more than "failed". */
  lastLog: () => string;
}

const keptLogLines = 5;
const maxLogMs = 500;

/** Loads the engine and the model. Throws an `EngineError`. */
export async function loadEngine(settings: EngineSettings): Promise<LoadedEngine> {
  const engine = await importEngine();
  let log: string[] = [];
  const lastLog = (): string => (log.length === 0 ? '' : ` The engine says: ${log.join(' ')}`);
  const llama = await startLlama(engine, settings, (line) => {
    log = [...new Set([...log, line.trim()])].slice(-keptLogLines);
  });
  try {
    const model = await llama.loadModel({
      modelPath: settings.path,
      ...(settings.gpuLayers === null ? {} : { gpuLayers: settings.gpuLayers }),
    });
    const { trainContextSize: trainedTokens } = model;
    // The engine takes more than the model was trained on without a word, and rounds up to a multiple of 256.
    const contextTokens = Math.min(settings.contextTokens, trainedTokens);
    const makesText = !isEmbeddingModel(model);
    const context = await (makesText ? createContext : createEmbeddingContext)(model, settings, contextTokens);
    const hasTemplate = chatTemplateOf(model, settings) !== null;
    const info = {
      version: await engine.getModuleVersion(),
      contextTokens,
      trainedTokens,
      makesText,
      hasTemplate,
      fittingTemplates: hasTemplate ? [] : fittingTemplates(controlTexts(model)),
      device: deviceName(llama.gpu),
    };
    return { engine, llama, model, context, info, lastLog };
  } catch (error) {
    // The log lines about a failure come through the event loop, a little later than the error.
    for (let waitedMs = 0; log.length === 0 && waitedMs < maxLogMs; waitedMs += 20) await sleep(20);
    const hint =
      error instanceof engine.InsufficientMemoryError
        ? 'fewer --workers or a smaller --option context_size'
        : undefined;
    throw new EngineError(
      'unusable',
      `node-llama-cpp can't load ${settings.path}: ${sentenceOf(error)}${lastLog()}`,
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

function createContext(model: LlamaModel, settings: EngineSettings, contextSize: number): Promise<LlamaContext> {
  return model.createContext({
    sequences: settings.sequences,
    contextSize,
    batching: { dispatchSchedule: dispatchSoon },
    threads: settings.threads,
    ...(settings.batchTokens === null ? {} : { batchSize: settings.batchTokens }),
    ...flashAttention(model, settings),
  });
}

/** A text is evaluated as one batch: each of its tokens sees all others. */
function createEmbeddingContext(
  model: LlamaModel,
  { threads }: EngineSettings,
  contextTokens: number,
): Promise<LlamaEmbeddingContext> {
  // The engine refuses a text that fills the context.
  return model.createEmbeddingContext({ contextSize: contextTokens + 1, batchSize: contextTokens, threads });
}

/**
 * Chooses flash attention. On a CPU it takes ten times as long for a short prompt behind a long cached prefix (45
 * tokens behind 2,000: 170 ms against 15), which is what a batch is made of; on a GPU the engine knows best.
 */
function flashAttention(model: LlamaModel, settings: EngineSettings): { flashAttention?: boolean } {
  if (settings.flashAttention !== null) return { flashAttention: settings.flashAttention };
  return model.llama.gpu === false ? { flashAttention: false } : {};
}

/**
 * Turns of the event loop before a batch is evaluated: a request that takes the place of a finished one then joins the
 * next batch and not the one after it (15 % more short answers a second, 8 in flight).
 */
const turnsBeforeBatch = 4;

function dispatchSoon(dispatch: () => void, turns = turnsBeforeBatch): void {
  if (turns === 0) dispatch();
  else setImmediate(dispatchSoon, dispatch, turns - 1);
}
