import { type Spent, noTokens } from '../core/attempt-tokens.ts';
import { type Completion, type Failure, failure } from '../core/completion.ts';
import { type BatchRequest, type RejectedLine, placeOf } from '../core/request.ts';
import type { ResultDetails, ResultLine, TurnPlace } from '../core/result-line.ts';
import { failureOfThrown } from './last-net.ts';
import type { Attempt } from './send-request.ts';
import type { VerifiedAnswer } from './verify-answer.ts';

/** Facts that all results of a run have in common. */
export interface ResultSource {
  runId: string;
  backend: string;
  model: string;
  /** Name of the server that answers; absent where there is only one. */
  server?: string;
  /** Returns the `request_hash` of a request. */
  hashOf: (request: BatchRequest) => string | null;
}

/** Takes the results of a run, which have the source in common. */
export interface ResultSink {
  source: ResultSource;
  /**
   * Hands a result, and the JSON of the row that stays with it, to the journal; the promise is what makes a worker wait for
   * a slow disk.
   */
  record: (row: number, line: ResultLine, rowJson?: string) => Promise<void> | undefined;
}

/** Outcome of one attempt at a request: its judged answer, and what goes with it into the result. */
export interface Outcome {
  verdict: VerifiedAnswer;
  request: BatchRequest;
  /** Number of times that the request was sent; 0: never, since it asks for what can't be prepared or checked. */
  attempts: number;
  /** Cost of the attempts before the last one; null where there were none. */
  retried: Spent | null;
  /** The last attempt; null where the request was never sent. */
  attempt: Omit<Attempt, 'answer'> | null;
  /** The turn's place in the worker's conversation; null for a request that was sent alone. */
  place: TurnPlace | null;
}

export function resultOf(outcome: Outcome, source: ResultSource): ResultLine {
  const { request } = outcome;
  const { answer } = outcome.verdict;
  const id = `batch_req_${source.runId}_${request.line}`;
  const details = detailsOf(outcome, source);
  return answer.status === 'completed'
    ? { id, custom_id: request.id, response: responseOf(answer, id), error: null, llmbatch: details }
    : {
        id,
        custom_id: request.id,
        response: serverResponse(answer, id),
        error: { code: answer.kind, message: answer.message },
        llmbatch: details,
      };
}

export function rejectedResult(rejected: RejectedLine, source: Omit<ResultSource, 'hashOf'>): ResultLine {
  const { id, line, reason } = rejected;
  const details: ResultDetails = {
    line,
    attempts: 0,
    request_hash: null,
    backend: source.backend,
    model: source.model,
    started_at: new Date().toISOString(),
    queue_ms: null,
    ttft_ms: null,
    latency_ms: 0,
  };
  const error = { code: 'input', message: `${placeOf(rejected)}: ${reason}` } as const;
  return { id: `batch_req_${source.runId}_${line}`, custom_id: id, response: null, error, llmbatch: details };
}

const responseOf = ({ body }: Completion, id: string): ResultLine['response'] => ({
  status_code: 200,
  request_id: id,
  body,
});

function serverResponse({ response }: Failure, id: string): ResultLine['response'] {
  if (response === undefined) return null;
  return { status_code: response.status_code, request_id: id, body: response.body } as ResultLine['response'];
}

function detailsOf(outcome: Outcome, source: ResultSource): ResultDetails {
  const { request, verdict, attempts, place } = outcome;
  const { answer } = verdict;
  const { startedAt, latencyMs, ttftMs } = timesOf(outcome);
  const details: ResultDetails = {
    line: request.line,
    ...notesOf(verdict),
    attempts,
    request_hash: source.hashOf(request),
    backend: source.backend,
    model: source.model,
    ...(source.server !== undefined && { server: source.server }),
    started_at: new Date(startedAt).toISOString(),
    queue_ms: roundOrNull(answer.queueMs ?? null),
    ttft_ms: roundOrNull(answer.ttftMs ?? ttftMs),
    latency_ms: round(latencyMs),
    ...usageOf(outcome),
    ...retriedOf(outcome.retried),
  };
  if (answer.finish !== undefined) details.finish = answer.finish;
  if ('parsed' in verdict) details.parsed = verdict.parsed;
  if ('rejected' in verdict && verdict.rejected !== undefined) details.rejected = verdict.rejected;
  // A failed turn has no place: it leaves nothing in the history.
  if (place !== null && answer.status === 'completed') details.conversation = toWire(place);
  return details;
}

const toWire = ({ worker, turn, history, sinceTrim }: TurnPlace): NonNullable<ResultDetails['conversation']> => ({
  worker,
  turn,
  history,
  since_trim: sinceTrim,
});

/** The times of the last attempt. A request that was never sent took none, now. */
const timesOf = ({ attempt }: Outcome): Pick<Attempt, 'startedAt' | 'latencyMs' | 'ttftMs'> =>
  attempt ?? { startedAt: Date.now(), latencyMs: 0, ttftMs: null };

/**
 * What the checks noted of the answer. It stands beside the line's number, where a resume finds it without reading on.
 */
function notesOf(verdict: VerifiedAnswer): Pick<ResultDetails, 'empty' | 'unwrapped' | 'unchecked'> | null {
  if (!('empty' in verdict || 'unwrapped' in verdict || 'unchecked' in verdict)) return null;
  const { empty, unwrapped, unchecked } = verdict;
  return {
    ...(empty === undefined ? {} : { empty }),
    ...(unwrapped === undefined ? {} : { unwrapped }),
    ...(unchecked === undefined ? {} : { unchecked }),
  };
}

/** Token usage of the last attempt at a failed request; an answer has it in its body. */
function usageOf({ verdict: { answer }, attempts, attempt }: Outcome): Pick<ResultDetails, 'usage'> {
  const { promptTokens, completionTokens, cachedTokens } = attempt?.tokens ?? noTokens;
  if (answer.status === 'completed' || attempts === 0 || completionTokens === null) return {};
  const total = promptTokens === null ? {} : { total_tokens: promptTokens + completionTokens };
  const cached = cachedTokens === null ? {} : { prompt_tokens_details: { cached_tokens: cachedTokens } };
  return { usage: { prompt_tokens: promptTokens, completion_tokens: completionTokens, ...total, ...cached } };
}

function retriedOf(spent: Spent | null): Pick<ResultDetails, 'retried'> {
  if (spent === null) return {};
  const { promptTokens, completionTokens, cachedTokens, uncounted, latencyMs } = spent;
  if (promptTokens + completionTokens + uncounted === 0) return {};
  const cached = cachedTokens === null ? {} : { cached_tokens: cachedTokens };
  const tokens = { prompt_tokens: promptTokens, completion_tokens: completionTokens, ...cached };
  return { retried: { ...tokens, uncounted, latency_ms: round(latencyMs) } };
}

const roundOrNull = (valueMs: number | null): number | null => (valueMs === null ? null : round(valueMs));
const round = (valueMs: number): number => Math.round(valueMs * 100) / 100;

/**
 * Hands a result to the journal. One that can't be written as a line (nested too deep, too long for a text) becomes the
 * request's failure, without what the server sent. False where an answer became one so.
 */
export function recordOutcome(
  row: number,
  outcome: Outcome,
  { record, source }: ResultSink,
): Promise<boolean> | boolean {
  const { rowJson } = outcome.request;
  let pending: Promise<void> | undefined;
  let isWhole = true;
  try {
    pending = record(row, resultOf(outcome, source), rowJson);
  } catch (error) {
    isWhole = false;
    pending = record(row, resultOf(bareOutcome(outcome, error), source), rowJson);
  }
  // An error of the disk is not the fault of this request.
  return pending === undefined ? isWhole : pending.then(() => isWhole);
}

function bareOutcome(outcome: Outcome, error: unknown): Outcome {
  const { answer } = outcome.verdict;
  const thrown = failureOfThrown(error, 'invalid-response');
  const bare = answer.status === 'failed' ? failure(answer.kind, answer.message) : thrown;
  return { ...outcome, verdict: { answer: bare }, place: null };
}
