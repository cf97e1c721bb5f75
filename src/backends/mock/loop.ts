import { sleep } from '../../async/sleep.ts';
import type { GenerateContext } from '../../core/backend.ts';
import { type Answer, type Usage, failure, responseBody } from '../../core/completion.ts';
import { type BatchRequest, maxTokensOf } from '../../core/request.ts';
import { createRunAwayWatch } from '../request/run-away.ts';
import { answerCut } from '../request/window-texts.ts';
import type { MockOptions } from './options.ts';

interface Looping {
  model: string;
  options: MockOptions;
  promptTokens: number;
  allowRepetition: boolean;
}

const words = [' and', ' so', ' on'];
/** Without a speed of its own, such an answer would leave no time for anything else. */
const defaultSpeed = 5000;
const tickMs = 100;

/** An answer without an end: the same words again and again, up to `max_tokens` or the end of the context window. */
export async function loop(request: BatchRequest, context: GenerateContext, looping: Looping): Promise<Answer> {
  const { options, promptTokens } = looping;
  const watch = createRunAwayWatch(request.body, looping.allowRepetition);
  const window = options.context_tokens > 0 ? options.context_tokens - promptTokens : Infinity;
  const limit = Math.min(maxTokensOf(request.body) ?? Infinity, window);
  const startedAt = performance.now();
  context.onActivity();
  context.onFirstToken();
  for (let tokens = 1; tokens <= limit; tokens++) {
    while (tokens > ((performance.now() - startedAt) * (options.tokens_per_second ?? defaultSpeed)) / 1000)
      await sleep(tickMs, context.signal);
    context.onActivity();
    context.onToken?.();
    const runAway = watch(words[tokens % words.length]!);
    if (runAway !== null) return { ...runAway, usage: usageOf(promptTokens, tokens) };
  }
  if (limit === window) return cutByWindow(promptTokens, options.context_tokens);
  return { status: 'completed', body: bodyOf(request, looping, limit) };
}

const usageOf = (prompt: number, completion: number): Usage => ({
  prompt_tokens: prompt,
  completion_tokens: completion,
  total_tokens: prompt + completion,
});

function cutByWindow(promptTokens: number, contextTokens: number): Answer {
  const completionTokens = contextTokens - promptTokens;
  const advice = 'raise --option context_tokens';
  const message = answerCut({ contextTokens, promptTokens, completionTokens, advice });
  return { ...failure('truncated', message), usage: usageOf(promptTokens, completionTokens) };
}

const bodyOf = ({ id, endpoint }: BatchRequest, { model, promptTokens }: Looping, completionTokens: number) =>
  responseBody({
    id,
    model,
    chat: endpoint === '/v1/chat/completions',
    text: Array.from({ length: completionTokens }, (_, at) => words[at % words.length]).join(''),
    finishReason: 'length',
    promptTokens,
    completionTokens,
  });
