import { setTimeout as delay } from 'node:timers/promises';
import type { Backend, BackendDefinition, GenerateContext, OpenRequest } from '../core/backend.ts';
import { type Answer, failure } from '../core/completion.ts';
import { type BatchRequest, endpoints } from '../core/request.ts';
import { type MockAnswer, mockAnswer, promptTexts } from './mock-answer.ts';
import { drawFate, type MockFate } from './mock-fate.ts';
import { type MockOptions, mockOptionsHelp, mockOptionsSchema } from './mock-options.ts';
import { createPromptCounter } from './mock-words.ts';
import { createSlots, type Slots } from './mock-slots.ts';

/** Longest silence between two signs of life while tokens stream. */
const activityMs = 100;

/**
 * An engine without a model, file or network: for demonstrations, tests and the smoke benchmark. What becomes of a request
 * follows from the seed, its id and how often it failed before, never from order or time. A token is a word.
 */
export const mockBackend: BackendDefinition = {
  name: 'mock',
  summary: 'no model: deterministic answers, latency and faults, for demos and tests',
  endpoints,
  optionsHelp: mockOptionsHelp,
  optionsSchema: mockOptionsSchema,
  serves: (model) => model === 'mock' || model.startsWith('mock:'),
  open: openMock,
};

async function openMock(request: OpenRequest): Promise<Backend> {
  const schema = await mockOptionsSchema();
  const options = schema.parse(request.options);
  const loadMs = await load(options.load_ms, request.signal);
  const work = createWork(request.model, options);
  const slots = options.slots > 0 ? createSlots(options.slots) : null;
  return {
    model: request.model,
    modelDigest: null,
    version: 'mock 1',
    loadMs,
    limits: {
      slots: options.slots || null,
      suggestedWorkers: options.slots || 8,
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
  await wait(delayMs, signal);
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

function createWork(model: string, options: MockOptions): Work {
  const countPrompt = createPromptCounter();
  // Only of requests that were not answered yet, so that a million answered ones cost no memory.
  const attempts = new Map<string, number>();

  return async (request, context) => {
    context.signal.throwIfAborted();
    const prompt = countPrompt(context.lane, promptTexts(request.body));
    if (options.context_tokens > 0 && prompt.tokens > options.context_tokens) {
      return contextTooLong(prompt.tokens, options.context_tokens);
    }
    const attempt = attempts.get(request.id) ?? 0;
    attempts.set(request.id, attempt + 1);
    const fate = drawFate(options, request.id, attempt);
    const answer = mockAnswer(request, { model, options, prompt });
    const times = timesOf(options, fate, answer);
    if (times.firstMs > 0) await wait(times.firstMs, context.signal);
    if (fate.fault === 'hang') return untilAborted(context.signal);
    if (fate.fault !== null)
      return failure(fate.fault, `The mock engine drew a ${fate.fault} for attempt ${attempt + 1}.`);
    context.onActivity();
    if (answer.streams) context.onFirstToken();
    if (times.restMs > 0) await stream(times.restMs, options.tokens_per_second !== undefined, context);
    attempts.delete(request.id);
    return { status: 'completed', body: answer.body };
  };
}

const contextTooLong = (promptTokens: number, contextTokens: number): Answer =>
  failure(
    'context-too-long',
    `The prompt has ${promptTokens} tokens and the context ${contextTokens}: shorten the prompt, or raise --option context_tokens.`,
  );

/** Time to the first token, and from there to the end. An answer whose tokens have no speed comes whole, at its end. */
function timesOf(options: MockOptions, fate: MockFate, answer: MockAnswer): { firstMs: number; restMs: number } {
  const { latency_ms: latencyMs, tokens_per_second: speed } = options;
  const firstMs = options.ttft_ms ?? (speed === undefined ? latencyMs : 0);
  const decodeMs = speed === undefined ? 0 : (answer.completionTokens / speed) * 1000;
  const restMs = Math.max(latencyMs - firstMs, decodeMs);
  return { firstMs: firstMs * fate.pace, restMs: restMs * fate.pace };
}

async function stream(restMs: number, hasTokens: boolean, { signal, onActivity }: GenerateContext): Promise<void> {
  const endsAt = performance.now() + restMs;
  for (let leftMs = restMs; leftMs > 0; leftMs = endsAt - performance.now()) {
    await wait(hasTokens ? Math.min(leftMs, activityMs) : leftMs, signal);
    onActivity();
  }
}

/** Rejects with the signal's own reason, as the contract of `generate` wants it, not with the timer's. */
async function wait(delayMs: number, signal: AbortSignal): Promise<void> {
  await delay(Math.ceil(delayMs), undefined, { signal }).catch(() => signal.throwIfAborted());
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    if (signal.aborted) reject(signal.reason);
  });
}
