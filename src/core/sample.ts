import { type AttemptTokens, type Spent, noTokens, tokensOfFailure, tokensOfUsage } from './attempt-tokens.ts';
import type { ErrorKind } from './errors.ts';
import { isErrorKind } from './errors.ts';
import type { AnswerNote, ResultSample } from './events.ts';
import type { ResultDetails, ResultLine } from './result-line.ts';
import { isSuccess } from './result-line.ts';

/** What a result line means to the metrics. A line of another tool, without `llmbatch`, counts with what it has. */
export function sampleOf(line: ResultLine): ResultSample {
  const { attempts = 1, latency_ms = 0, ttft_ms = null, queue_ms = null, started_at } = detailsOf(line);
  return {
    kind: kindOf(line),
    ...tokensOf(line),
    ...retriedOf(detailsOf(line)),
    latencyMs: latency_ms,
    ttftMs: ttft_ms,
    queueMs: queue_ms,
    attempts,
    ...noteOf(detailsOf(line)),
    endedAt: started_at === undefined ? 0 : Date.parse(started_at) + latency_ms,
  };
}

const detailsOf = (line: ResultLine): Partial<ResultDetails> => line.llmbatch ?? {};

/** Of the last attempt. A success that has no usage took tokens that nobody counted; a line without an attempt took none. */
function tokensOf(line: ResultLine): AttemptTokens {
  const kind = kindOf(line);
  if (kind === null) return tokensOfUsage(line.response?.body?.usage ?? {});
  const { attempts, usage } = detailsOf(line);
  if (attempts === 0) return noTokens;
  const known = usage ?? line.response?.body?.usage;
  return known === undefined ? tokensOfFailure(kind) : tokensOfUsage(known);
}

function retriedOf({ retried }: Partial<ResultDetails>): { retried?: Spent } {
  if (retried === undefined) return {};
  const { prompt_tokens, completion_tokens, cached_tokens = null, uncounted, latency_ms } = retried;
  return {
    retried: {
      promptTokens: prompt_tokens,
      completionTokens: completion_tokens,
      cachedTokens: cached_tokens,
      uncounted,
      latencyMs: latency_ms,
    },
  };
}

function noteOf({ empty, unwrapped, unchecked }: Partial<ResultDetails>): { note: AnswerNote } | null {
  if (empty === true) return { note: 'empty' };
  if (unwrapped !== undefined) return { note: 'unwrapped' };
  return unchecked === undefined ? null : { note: 'unchecked' };
}

function kindOf(line: ResultLine): ErrorKind | null {
  if (isSuccess(line)) return null;
  const code = line.error?.code ?? '';
  return isErrorKind(code) ? code : 'server-error';
}
