import { type AttemptTokens, tokensOfAttempt, usageOf } from '../core/attempt-tokens.ts';
import type { Backend } from '../core/backend.ts';
import { type Answer, failure } from '../core/completion.ts';
import type { Emit, RunEvent } from '../core/events.ts';
import type { BatchRequest } from '../core/request.ts';
import { formatDuration } from '../text/format.ts';
import type { FlightEntry, InFlight } from './in-flight.ts';
import { failureOfThrown } from './last-net.ts';
import { restOf } from './told-tokens.ts';

/** One sending of a request, measured. */
export interface Attempt {
  /** The backend's answer; null where the run was stopped before it came, so that the request stays unanswered. */
  answer: Answer | null;
  /** Start of the attempt, in epoch milliseconds. */
  startedAt: number;
  /** Time from the sending to the whole answer, in milliseconds. */
  latencyMs: number;
  /** Time from the sending to the first token, in milliseconds; null where no token was seen. */
  ttftMs: number | null;
  /** What the attempt cost. */
  tokens: AttemptTokens;
  /** It was ended so that another engine takes the request. */
  isGivenAway?: true;
}

/** What a request is sent with, and by whom it is watched meanwhile. */
export interface Sending {
  backend: Backend;
  inFlight: InFlight;
  emit: Emit;
  timeoutMs: number | null;
  stallTimeoutMs: number;
}

const requestStart: RunEvent = { type: 'request-start' };

/** The worker (0-based) for which a request is sent, and whether it must be alone: `GenerateContext.isAlone`. */
export interface SentTo {
  worker: number;
  isAlone: boolean;
}

/** Sends a request once, and measures it. */
export async function sendRequest(
  request: BatchRequest,
  { worker, isAlone }: SentTo,
  sending: Sending,
): Promise<Attempt> {
  const { backend, inFlight, emit } = sending;
  emit(requestStart);
  const entry = inFlight.start(request);
  const startedAt = Date.now();
  const start = entry.sentAt;
  let firstTokenAt: number | null = null;
  const touch = (): void => inFlight.touch(entry);
  let answer: Answer | null = null;
  try {
    answer = await backend.generate(request, {
      get signal() {
        return inFlight.signalOf(entry);
      },
      worker,
      isAlone,
      onActivity: touch,
      onFirstToken() {
        firstTokenAt ??= performance.now();
        touch();
      },
      onToken: (count = 1) => void (entry.pieces += count),
      onPrompt: (computed, cached) => inFlight.addPrompt(entry, computed, cached),
    });
  } catch (error) {
    answer = answerToThrown(entry, error, sending);
  } finally {
    inFlight.end(entry, answer?.status === 'completed', usageOf(answer));
  }
  const latencyMs = performance.now() - start;
  const ttftMs = firstTokenAt === null ? null : firstTokenAt - start;
  const tokens = tokensOfAttempt(answer, entry.pieces);
  const isAnswered = answer?.status === 'completed';
  const rest = restOf(entry, usageOf(answer), latencyMs - (ttftMs ?? 0));
  emit({ type: 'request-end', tokens, isAnswered, latencyMs, rest });
  return { answer, startedAt, latencyMs, ttftMs, tokens, ...(entry.cause === 'given-away' && { isGivenAway: true }) };
}

/** An abort is ours to explain. Anything else that a backend throws is about this request: what it says, or what came back. */
function answerToThrown(entry: FlightEntry, error: unknown, sending: Sending): Answer | null {
  if (entry.cause === null)
    return failureOfThrown(error, entry.activeSince === null ? 'bad-request' : 'invalid-response');
  if (entry.cause === 'stopped') return null;
  const { timeoutMs, stallTimeoutMs } = sending;
  return {
    timeout: failure('timeout', `no whole answer within ${formatDuration(timeoutMs)} (--timeout)`),
    stalled: failure('timeout', `nothing came from the engine for ${formatDuration(stallTimeoutMs)} (--stall-timeout)`),
    away: failure('connection', 'The engine went away before the answer was whole.'),
    'given-away': failure('connection', 'Another engine was to answer it sooner.'),
  }[entry.cause];
}
