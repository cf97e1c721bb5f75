import type { Spent } from '../core/attempt-tokens.ts';
import { type Completion, type Failure, failure } from '../core/completion.ts';
import type { BatchRequest, RejectedLine } from '../core/request.ts';
import type { ResultDetails, ResultLine, TurnPlace } from '../core/result-line.ts';
import type { Attempt } from './attempt.ts';
import type { Verdict } from './verify-answer.ts';
import { failureOfThrown } from './last-net.ts';

/** What every result of a run has in common. */
export interface ResultSource {
  runId: string;
  backend: string;
  model: string;
  /** What a result line has as its `request_hash`. */
  hashOf: (request: BatchRequest) => string | null;
}

/** Where results go. */
interface ResultSink {
  source: ResultSource;
  /** Hands a result to the journal; the promise is what makes a lane wait for a slow disk. */
  record: (row: number, line: ResultLine) => Promise<void> | undefined;
}

export interface Answered {
  request: BatchRequest;
  verdict: Verdict;
  attempts: number;
  /** What the attempts before the last one cost. */
  retried: Spent | null;
  attempt: Omit<Attempt, 'answer'>;
  place: TurnPlace | null;
}

export function resultOf(answered: Answered, source: ResultSource): ResultLine {
  const { request, verdict } = answered;
  const id = `batch_req_${source.runId}_${request.line}`;
  const details = detailsOf(answered, source);
  return verdict.answer.status === 'completed'
    ? { id, custom_id: request.id, response: responseOf(verdict.answer, id), error: null, llmbatch: details }
    : {
        id,
        custom_id: request.id,
        response: serverResponse(verdict.answer, id),
        error: { code: verdict.answer.kind, message: verdict.answer.message },
        llmbatch: details,
      };
}

export function rejectedResult({ id, line, reason }: RejectedLine, source: Omit<ResultSource, 'hashOf'>): ResultLine {
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
  const error = { code: 'input', message: `line ${line}: ${reason}` } as const;
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

function detailsOf(answered: Answered, source: ResultSource): ResultDetails {
  const { request, verdict, attempts, attempt, place } = answered;
  const details: ResultDetails = {
    line: request.line,
    ...notesOf(verdict),
    attempts,
    request_hash: source.hashOf(request),
    backend: source.backend,
    model: source.model,
    started_at: new Date(attempt.startedAt).toISOString(),
    queue_ms: roundOrNull(verdict.answer.queueMs ?? null),
    ttft_ms: roundOrNull(verdict.answer.ttftMs ?? attempt.ttftMs),
    latency_ms: round(attempt.latencyMs),
    ...usageOf(answered),
    ...retriedOf(answered.retried),
  };
  if (verdict.answer.finish !== undefined) details.finish = verdict.answer.finish;
  if ('parsed' in verdict) details.parsed = verdict.parsed;
  if ('rejected' in verdict && verdict.rejected !== undefined) details.rejected = verdict.rejected;
  // A failed turn has no place: it leaves nothing in the history.
  if (place !== null && verdict.answer.status === 'completed') details.conversation = toWire(place);
  if (request.row !== undefined) details.row = request.row;
  return details;
}

const toWire = ({ worker, turn, history, sinceTrim }: TurnPlace): NonNullable<ResultDetails['conversation']> => ({
  worker,
  turn,
  history,
  since_trim: sinceTrim,
});

/** Beside the line's number, where a resume finds them without reading on. */
function notesOf(verdict: Verdict): Pick<ResultDetails, 'empty' | 'unwrapped' | 'unchecked'> | null {
  if (!('empty' in verdict || 'unwrapped' in verdict || 'unchecked' in verdict)) return null;
  const { empty, unwrapped, unchecked } = verdict;
  return {
    ...(empty === undefined ? {} : { empty }),
    ...(unwrapped === undefined ? {} : { unwrapped }),
    ...(unchecked === undefined ? {} : { unchecked }),
  };
}

/** An answer has it in its body. */
function usageOf({ verdict, attempts, attempt: { tokens } }: Answered): Pick<ResultDetails, 'usage'> {
  const { promptTokens, completionTokens, cachedTokens } = tokens;
  if (verdict.answer.status === 'completed' || attempts === 0 || completionTokens === null) return {};
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
export function recordAnswer(
  { record, source }: ResultSink,
  row: number,
  answered: Answered,
): Promise<boolean> | boolean {
  let pending: Promise<void> | undefined;
  let isWhole = true;
  try {
    pending = record(row, resultOf(answered, source));
  } catch (error) {
    isWhole = false;
    const bare: Answered = { ...answered, verdict: { answer: bareFailure(answered, error) }, place: null };
    pending = record(row, resultOf(bare, source));
  }
  // What the disk says is no matter of this request.
  return pending === undefined ? isWhole : pending.then(() => isWhole);
}

function bareFailure({ verdict: { answer } }: Answered, error: unknown): Failure {
  const thrown = failureOfThrown(error, 'invalid-response');
  return answer.status === 'failed' ? failure(answer.kind, answer.message) : thrown;
}
