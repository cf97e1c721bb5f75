import { type AttemptTokens, type Spent, noTokens, tokensOfFailure, tokensOfUsage } from './attempt-tokens.ts';
import { type ErrorKind, isErrorKind } from './errors.ts';
import type { AnswerNote, ResultSample } from './events.ts';
import { type ResultDetails, type ResultLine, isSuccess } from './result-line.ts';

/** What a result line means to the metrics. A line of another tool, without `llmbatch`, counts with what it has. */
export function sampleOf(line: ResultLine): ResultSample {
  const details = detailsOf(line);
  const { attempts = 1, latency_ms = 0, ttft_ms = null, queue_ms = null, started_at } = details;
  const kind = kindOf(line);
  const sample: ResultSample = {
    kind,
    ...tokensOf(line, kind),
    latencyMs: latency_ms,
    ttftMs: ttft_ms,
    queueMs: queue_ms,
    attempts,
    endedAt: started_at === undefined ? 0 : Date.parse(started_at) + latency_ms,
  };
  if (details.retried !== undefined) sample.retried = spentOf(details.retried);
  const note = noteOf(details);
  if (note !== null) sample.note = note;
  return sample;
}

const detailsOf = (line: ResultLine): Partial<ResultDetails> => line.llmbatch ?? {};

/** Of the last attempt. A success that has no usage took tokens that nobody counted; a line without an attempt took none. */
function tokensOf(line: ResultLine, kind: ErrorKind | null): AttemptTokens {
  if (kind === null) return tokensOfUsage(line.response?.body?.usage ?? {});
  const { attempts, usage } = detailsOf(line);
  if (attempts === 0) return noTokens;
  const known = usage ?? line.response?.body?.usage;
  return known === undefined ? tokensOfFailure(kind) : tokensOfUsage(known);
}

const spentOf = (retried: NonNullable<ResultDetails['retried']>): Spent => ({
  promptTokens: retried.prompt_tokens,
  completionTokens: retried.completion_tokens,
  cachedTokens: retried.cached_tokens ?? null,
  uncounted: retried.uncounted,
  latencyMs: retried.latency_ms,
});

function noteOf({ empty, unwrapped, unchecked }: Partial<ResultDetails>): AnswerNote | null {
  if (empty === true) return 'empty';
  if (unwrapped !== undefined) return 'unwrapped';
  return unchecked === undefined ? null : 'unchecked';
}

function kindOf(line: ResultLine): ErrorKind | null {
  if (isSuccess(line)) return null;
  const code = line.error?.code ?? '';
  return isErrorKind(code) ? code : 'server-error';
}
