import type { Backend, GenerateContext, OpenRequest } from '../../core/backend.ts';
import { type Answer, type ResponseBody, failure } from '../../core/completion.ts';
import type { ErrorKind } from '../../core/errors.ts';
import type { BatchRequest } from '../../core/request.ts';
import { sleep } from '../../async/sleep.ts';
import { promptTooLong } from '../request/window-texts.ts';
import { mockAnswer, countedTexts, drawOutcome } from './answer.ts';
import { type MockOptions, mockOptionsSchema } from './options.ts';
import { loop } from './loop.ts';
import { type PromptTokens, createPromptCounter } from './words.ts';
import { createSlots, type Slots } from './slots.ts';
import { answerTimes } from './times.ts';

/** Longest silence between two signs of life while tokens stream. */
const activityMs = 100;

export async function openMock(request: OpenRequest): Promise<Backend> {
  const schema = await mockOptionsSchema();
  const options = schema.parse(request.options);
  const loadMs = await load(options.load_ms, request.signal);
  const suggestedWorkers = options.slots || 8;
  const work = createWork(request, options);
  const slots = options.slots > 0 ? createSlots(options.slots) : null;
  return {
    info: { model: request.model, modelDigest: null, version: 'mock 1', loadMs },
    limits: {
      slots: options.slots || null,
      suggestedWorkers,
      contextTokens: options.context_tokens || null,
    },
    generate:
      slots === null ? work : (batchRequest, context) => inSlot(slots, () => work(batchRequest, context), context),
    close: async () => {},
  };
}

async function load(delayMs: number, signal: AbortSignal): Promise<number | null> {
  if (delayMs === 0) return null;
  const startedAt = performance.now();
  await sleep(delayMs, signal);
  return performance.now() - startedAt;
}

type Work = (request: BatchRequest, context: GenerateContext) => Promise<Answer>;

async function inSlot(slots: Slots, work: () => Promise<Answer>, { signal }: GenerateContext): Promise<Answer> {
  const queuedAt = performance.now();
  await slots.enter(signal);
  const queueMs = performance.now() - queuedAt;
  try {
    const answer = await work();
    return answer.status === 'completed' ? { ...answer, queueMs } : answer;
  } finally {
    slots.leave();
  }
}

function createWork({ model, allowRepetition }: OpenRequest, options: MockOptions): Work {
  const countPrompt = createPromptCounter();
  // Only of requests that were not answered yet, so that a million answered ones cost no memory.
  const attempts = new Map<string, number>();
  /** `peak`: of the requests in flight, since there were none. */
  const seen = { inFlight: 0, peak: 0 };

  const answer: Work = async (request, context) => {
    const prompt = countPrompt(context.worker, countedTexts(request.body));
    if (options.context_tokens > 0 && prompt.tokens > options.context_tokens) {
      return contextTooLong(prompt.tokens, options.context_tokens);
    }
    const attempt = attempts.get(request.id) ?? 0;
    attempts.set(request.id, attempt + 1);
    const outcome = drawOutcome(options, request.id, attempt);
    const { body, completionTokens, streams } = mockAnswer(request, { model, options, prompt, workers: seen.peak });
    const times = answerTimes(options, { jitter: outcome.jitter, prompt, completionTokens });
    if (times.firstMs > 0) await sleep(times.firstMs, context.signal);
    if (outcome.fault === 'hang') return untilAborted(context.signal);
    if (outcome.fault === 'loop')
      return loop(request, context, { model, options, promptTokens: prompt.tokens, allowRepetition });
    if (outcome.fault !== null) return failedAttempt(outcome.fault, attempt, body);
    context.onActivity();
    tellPrompt(context, options, prompt);
    if (streams) context.onFirstToken();
    if (times.restMs > 0) await stream(times.restMs, streamedOf(options, completionTokens), context);
    attempts.delete(request.id);
    return { status: 'completed', body };
  };

  return async (request, context) => {
    context.signal.throwIfAborted();
    seen.inFlight++;
    seen.peak = Math.max(seen.peak, seen.inFlight);
    try {
      return await answer(request, context);
    } finally {
      seen.inFlight--;
      if (seen.inFlight === 0) seen.peak = 0;
    }
  };
}

function failedAttempt(fault: ErrorKind, attempt: number, { usage }: ResponseBody): Answer {
  const failed = failure(fault, `The mock engine drew the fault ${fault} for attempt ${attempt + 1}.`);
  return ofAnswers.has(fault) && usage !== undefined ? { ...failed, usage } : failed;
}

/** Failures that an answer came with, which the engine counted. */
const ofAnswers: ReadonlySet<string> = new Set<ErrorKind>([
  'truncated',
  'repetition',
  'refused',
  'schema-invalid',
  'invalid-response',
]);

function contextTooLong(promptTokens: number, contextTokens: number): Answer {
  const advice = 'shorten the prompt, or raise --option context_tokens';
  return failure('context-too-long', promptTooLong({ promptTokens, contextTokens, advice }));
}

const streamedOf = ({ tokens_per_second: speed }: MockOptions, tokens: number): number =>
  speed === undefined ? 0 : tokens;

/** An engine that streams and reports what it had in its cache tells of a prompt as soon as it is read. */
function tellPrompt({ onPrompt }: GenerateContext, options: MockOptions, { tokens, cachedTokens }: PromptTokens): void {
  const isTold = options.tokens_per_second !== undefined && options.report_cached;
  if (isTold) onPrompt?.(tokens - cachedTokens, cachedTokens);
}

/** So many tokens come one after the other; 0: the answer comes whole at the end. */
async function stream(restMs: number, tokens: number, context: GenerateContext): Promise<void> {
  const endsAt = performance.now() + restMs;
  let told = 0;
  for (let leftMs = restMs; leftMs > 0; leftMs = endsAt - performance.now()) {
    await sleep(tokens > 0 ? Math.min(leftMs, activityMs) : leftMs, context.signal);
    context.onActivity();
    const shareLeft = Math.max(0, endsAt - performance.now()) / restMs;
    for (; told < Math.floor(tokens * (1 - shareLeft)); told++) context.onToken?.();
  }
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    if (signal.aborted) reject(signal.reason);
  });
}
