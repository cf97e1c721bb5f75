import { answerCut } from '../../request/window-texts.ts';
import type { Token } from 'node-llama-cpp';
import type { GenerateContext } from '../../../core/backend.ts';
import {
  type Answer,
  type Completion,
  type Failure,
  failure,
  rejection,
  responseBody,
} from '../../../core/completion.ts';
import { EngineError } from '../../../core/errors.ts';
import { formatCounted } from '../../../text/format.ts';
import type { WorkerTask } from '../../subprocess/protocol.ts';
import type { EngineSettings, ModelInfo } from '../options.ts';
import type { Generator, TimedGeneration } from './generator.ts';
import { createGrammars } from './grammars.ts';
import type { LoadedEngine } from '../load-engine.ts';
import { checkPromptText, checkPromptTokens, moreContext } from './prompt-length.ts';
import { createPromptMaker } from './prompt-maker.ts';
import { type GenerationSettings, readBody } from './read-body.ts';
import { runAwaySentence } from '../../request/run-away.ts';
import { refuse, sentenceOf } from '../../request/refuse.ts';

export type AnswerRequest = (task: WorkerTask, context: Omit<GenerateContext, 'worker'>) => Promise<Answer>;

/** Answers requests on a loaded model. Rejects only when aborted. */
export function createAnswerRequest(
  { llama, model, info }: Pick<LoadedEngine, 'llama' | 'model' | 'info'>,
  generate: Generator,
  settings: EngineSettings,
): AnswerRequest {
  const promptOf = createPromptMaker(model, settings);
  const grammarOf = createGrammars(llama);

  const prepare = async (task: WorkerTask) => {
    if (task.endpoint === '/v1/embeddings')
      throw refuse('bad-request', 'The model makes no embeddings: take the GGUF file of one that does.');
    const generation = readBody(task.body, task.endpoint === '/v1/completions' ? 'prompt' : 'messages');
    const { maxTokens } = generation;
    const prompt = promptOf(task, (text) => checkPromptText(text, { model, maxTokens, limits: info }));
    checkPromptTokens(prompt.length, maxTokens, info);
    return { generation, prompt, grammar: await grammarOf(generation.format) };
  };

  const answer: AnswerRequest = async (task, context) => {
    const { generation, prompt, grammar } = await prepare(task);
    const generated = await generate({
      prompt,
      limit: Math.min(generation.maxTokens ?? Infinity, info.contextTokens - prompt.length),
      settings: generation,
      grammar,
      allowRepetition: settings.allowRepetition,
      signal: context.signal,
      onActivity: context.onActivity,
      onPrompt: (computed, cached) => context.onPrompt?.(computed, cached),
      onFirstToken: context.onFirstToken,
      onToken: () => context.onToken?.(),
    });
    return toAnswer(generated, { task, model: settings.model, prompt, generation, info });
  };

  return (task, context) => answer(task, context).catch((error: unknown) => failureOf(error, context.signal));
}

/** An error of the engine about one request must not end the others. */
export function failureOf(error: unknown, signal: AbortSignal): Failure {
  if (error instanceof EngineError) return failure(error.kind, error.message);
  signal.throwIfAborted();
  return failure('bad-request', `llama-cpp can't take the request: ${sentenceOf(error)}`);
}

interface Answered {
  task: WorkerTask;
  model: string;
  prompt: Token[];
  generation: GenerationSettings;
  info: ModelInfo;
}

function toAnswer(generated: TimedGeneration, { task, model, prompt, generation, info }: Answered): Answer {
  const { text, answerTokens, cachedTokens, end, stop, repetition, queueMs } = generated;
  const body = responseBody({
    id: task.id,
    model,
    chat: task.endpoint === '/v1/chat/completions',
    text,
    finishReason: end === 'limit' ? 'length' : 'stop',
    promptTokens: prompt.length,
    completionTokens: answerTokens,
    cachedTokens,
  });
  const finish = { reason: end === 'limit' ? 'max-tokens' : end, ...(stop === null ? {} : { stop }) };
  const answer: Completion = { status: 'completed', body, queueMs, finish };
  if (repetition !== null)
    return rejection(answer, 'repetition', runAwaySentence(repetition, formatCounted(answerTokens, 'token')));
  if (end !== 'limit' || answerTokens === generation.maxTokens) return answer;
  const advice = moreContext(info.contextTokens * 2, info);
  const { contextTokens } = info;
  const counts = { promptTokens: prompt.length, completionTokens: answerTokens };
  return rejection(answer, 'truncated', answerCut({ contextTokens, ...counts, advice }));
}
