import { answerCut, cutSentence } from '../../request/window-texts.ts';
import type { GenerateContext } from '../../../core/backend.ts';
import { type Answer, type Completion, type Usage, failure, responseBody } from '../../../core/completion.ts';
import { EngineError } from '../../../core/errors.ts';
import { formatInteger } from '../../../text/format.ts';
import type { BatchRequest } from '../../../core/request.ts';
import { afterOpening, classifyError, withoutVainAdvice } from '../http/classify-error.ts';
import type { CutCheck } from '../../http/cut-check.ts';
import { checkContinued } from './check-continued.ts';
import { checkThinking } from './check-thinking.ts';
import type { OllamaClient } from '../http/client.ts';
import type { ModelWatch } from '../../http/model-watch.ts';
import { answerEmbedding } from './embed-request.ts';
import { endProblem, endedEarly } from './end-problem.ts';
import { type LoadedModel, wireRequest } from '../model/loaded-model.ts';
import { type AskedFor, readBody } from './read-body.ts';
import { type Prompt, readPrompt } from './read-prompt.ts';
import { type Streamed, readStream } from './read-stream.ts';
import type { ReloadWatch } from '../model/reload-watch.ts';
import { createRunAwayWatch } from '../../request/run-away.ts';
import type { AnswerPart, WireRequest } from '../http/wire.ts';

export interface AnswerTools {
  allowControlTokens: boolean;
  allowRepetition: boolean;
  cutCheck: CutCheck;
  reloads: ReloadWatch;
  watchModel: ModelWatch;
}

/** Answers one request. Rejects only with the reason of its signal. */
export async function answerRequest(
  loaded: LoadedModel,
  tools: AnswerTools,
  [request, context]: [BatchRequest, GenerateContext],
): Promise<Answer> {
  const { signal } = context;
  signal.throwIfAborted();
  try {
    if (request.endpoint === '/v1/embeddings') return await answerEmbedding(loaded, request, signal);
    return await answerText(loaded, tools, { request, context, signal });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof EngineError) return failure(error.kind, error.message);
    const failed = afterOpening(classifyError(error));
    if (failed.kind === 'engine-crashed' || failed.kind === 'connection') tools.reloads.excuse();
    return withoutVainAdvice(failed, loaded.facts.trainedTokens, loaded.runner.num_ctx);
  }
}

interface PendingRequest {
  request: BatchRequest;
  context: GenerateContext;
  signal: AbortSignal;
}

async function answerText(
  loaded: LoadedModel,
  tools: AnswerTools,
  { request, context, signal }: PendingRequest,
): Promise<Answer> {
  checkThinking(request.body, loaded.facts);
  const asked = readBody(request, request.endpoint === '/v1/chat/completions' ? 'messages' : 'prompt');
  const prompt = readPrompt(request, loaded.facts, tools);
  const maxTokens = asked.maxTokens ?? loaded.answerTokens;
  const wire = { ...wireRequest(loaded, samplingOptions(asked, maxTokens, loaded)), ...asked.request };
  const watch = createRunAwayWatch(request.body, tools.allowRepetition);
  const givenUp = new AbortController();
  const ends = AbortSignal.any([signal, givenUp.signal]);
  const streamed = await readStream(await startAnswer(loaded.client, wire, { prompt, signal: ends }), context, watch);
  const { last } = streamed;
  if (last === null) {
    // The server would go on with an answer of which nothing more is read.
    givenUp.abort();
    return endedEarly(streamed);
  }
  tools.watchModel(loaded.name, last.model);
  tools.reloads.note(milliseconds(last.load_duration));
  const answer =
    tools.cutCheck(last.prompt_eval_count ?? 0, prompt.hasImages ? null : prompt.bytes) ??
    cutAnswer(last, asked, loaded) ??
    endProblem(streamed, last) ??
    completionOf(streamed, last, { request, loaded });
  return answer.status === 'failed' ? { ...answer, ...usageOf(last) } : answer;
}

/** Absent where the server counts nothing. */
function usageOf({ prompt_eval_count: prompt, eval_count: completion }: AnswerPart): { usage?: Usage } {
  if (prompt === undefined && completion === undefined) return {};
  const [prompt_tokens, completion_tokens] = [prompt ?? 0, completion ?? 0];
  return { usage: { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens } };
}

async function startAnswer(
  client: OllamaClient,
  wire: WireRequest,
  { prompt, signal }: { prompt: Prompt; signal: AbortSignal },
): Promise<AsyncIterable<AnswerPart>> {
  if (prompt.key === 'prompt') return client.generate({ ...wire, prompt: prompt.text, raw: true }, signal);
  const chat = { ...wire, messages: prompt.messages };
  if (prompt.continues) await checkContinued(client, chat, signal);
  return client.chat(chat, signal);
}

/** The version decides what an option is that is not given, so none that shapes an answer's end is left out. */
function samplingOptions(asked: AskedFor, maxTokens: number, { facts }: LoadedModel): Record<string, unknown> {
  const repeatPenalty = Number(facts.parameters.get('repeat_penalty') ?? 1);
  const { stop, ...options } = asked.options;
  const stops = Array.isArray(stop) ? { stop: [...facts.stops, ...(stop as string[])] } : {};
  return { repeat_penalty: repeatPenalty, ...options, ...stops, num_predict: maxTokens };
}

/** An answer that the context window cut: in silence, while the server went on without the prompt's beginning. */
function cutAnswer(last: AnswerPart, asked: AskedFor, { runner, answerTokens }: LoadedModel): Answer | null {
  const { prompt_eval_count: prompt = 0, eval_count: completion = 0, done_reason: reason } = last;
  const isFull = isFullWindow(prompt + completion, runner.num_ctx, reason === 'length' && completion < limitOf(asked));
  const isOurLimit = reason === 'length' && asked.maxTokens === null;
  if (!isFull && !isOurLimit) return null;
  const advice = 'shorten the prompt, or give a larger --option num_ctx';
  const counts = { promptTokens: prompt, completionTokens: completion, advice };
  const limit = `after ${formatInteger(answerTokens)} tokens, all that the longest prompt leaves of the context window`;
  return failure(
    'truncated',
    isFull ? answerCut({ ...counts, contextTokens: runner.num_ctx }) : cutSentence(limit, counts),
  );
}

const limitOf = ({ maxTokens }: AskedFor): number => maxTokens ?? Infinity;

/**
 * Says whether the context window was full: with more tokens than fit, the server went on without the beginning; with
 * as many as fit, it ended the answer there, where nothing else did.
 */
const isFullWindow = (tokens: number, contextTokens: number, wasShort: boolean): boolean =>
  tokens > contextTokens || (wasShort && tokens >= contextTokens - 1);

function completionOf(
  streamed: Streamed,
  last: AnswerPart,
  { request, loaded }: { request: BatchRequest; loaded: LoadedModel },
): Answer {
  const reason = last.done_reason ?? '';
  const chat = request.endpoint === '/v1/chat/completions';
  const body = responseBody({
    id: request.id,
    model: loaded.name,
    chat,
    text: streamed.text,
    finishReason: reason === 'stop' && streamed.toolCalls.length > 0 ? 'tool_calls' : reason,
    promptTokens: last.prompt_eval_count ?? 0,
    completionTokens: last.eval_count ?? 0,
    ...(last.prompt_eval_cached_count === undefined ? {} : { cachedTokens: last.prompt_eval_cached_count }),
  });
  if (usageOf(last).usage === undefined) delete body.usage;
  addExtras(body, streamed);
  const promptMs = last.prompt_eval_duration === undefined ? {} : { promptMs: milliseconds(last.prompt_eval_duration) };
  return { status: 'completed', body, queueMs: queueOf(last), ...promptMs, finish: { reason } };
}

function addExtras(body: Completion['body'], { thinking, toolCalls, logprobs }: Streamed): void {
  const [choice] = body.choices ?? [];
  if (choice === undefined) return;
  if (logprobs.length > 0) choice['logprobs'] = { content: logprobs };
  if (choice.message === undefined) return;
  if (thinking !== '') choice.message['reasoning_content'] = thinking;
  if (toolCalls.length > 0) {
    choice.message['tool_calls'] = toolCalls.map(({ id, function: { name, arguments: values } }, index) => ({
      id: id ?? `call_${index}`,
      type: 'function',
      function: { name, arguments: JSON.stringify(values ?? {}) },
    }));
  }
}

/** The wait for a slot is in none of the parts of the total. */
function queueOf({
  total_duration: total,
  load_duration: load,
  prompt_eval_duration: prompt,
  eval_duration: answer,
}: AnswerPart) {
  return Math.max(0, milliseconds(total) - milliseconds(load) - milliseconds(prompt) - milliseconds(answer));
}

const milliseconds = (nanoseconds = 0): number => nanoseconds / 1e6;
