import type { Usage } from './completion.ts';
import type { ErrorKind } from './errors.ts';
import { isErrorKind } from './errors.ts';
import type { ResultSample } from './events.ts';
import type { ResultDetails, ResultLine } from './result-line.ts';
import { isSuccess } from './result-line.ts';

/** What a result line means to the metrics. A line of another tool, without `llmbatch`, counts with what it has. */
export function sampleOf(line: ResultLine): ResultSample {
  const { attempts = 1, latency_ms = 0, ttft_ms = null, queue_ms = null, started_at } = detailsOf(line);
  return {
    kind: kindOf(line),
    ...tokensOf(line),
    latencyMs: latency_ms,
    ttftMs: ttft_ms,
    queueMs: queue_ms,
    attempts,
    endedAt: started_at === undefined ? 0 : Date.parse(started_at) + latency_ms,
  };
}

const detailsOf = (line: ResultLine): Partial<ResultDetails> => line.llmbatch ?? {};

function tokensOf(line: ResultLine): Pick<ResultSample, 'promptTokens' | 'completionTokens' | 'cachedTokens'> {
  const usage: Partial<Usage> = line.response?.body?.usage ?? {};
  // A failure took none that would count; an answer took some that nobody counted.
  const none = isSuccess(line) ? null : 0;
  return {
    promptTokens: usage.prompt_tokens ?? none,
    completionTokens: usage.completion_tokens ?? none,
    cachedTokens: usage.prompt_tokens_details?.cached_tokens ?? null,
  };
}

function kindOf(line: ResultLine): ErrorKind | null {
  if (isSuccess(line)) return null;
  const code = line.error?.code ?? '';
  return isErrorKind(code) ? code : 'server-error';
}
