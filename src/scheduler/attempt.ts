import { type AttemptTokens, tokensOfAttempt } from '../core/attempt-tokens.ts';
import type { Backend } from '../core/backend.ts';
import { type Answer, failure } from '../core/completion.ts';
import type { BatchRequest } from '../core/request.ts';
import { formatDuration } from '../text/format.ts';
import type { FlightEntry, InFlight } from './in-flight.ts';
import { failureOfThrown } from './last-net.ts';

export interface Attempt {
  /** Null when the run was stopped: the request stays unanswered. */
  answer: Answer | null;
  /** Epoch ms. */
  startedAt: number;
  latencyMs: number;
  ttftMs: number | null;
  tokens: AttemptTokens;
}

export interface AttemptContext {
  backend: Backend;
  inFlight: InFlight;
  worker: number;
  timeoutMs: number | null;
  stallTimeoutMs: number;
}

/** Sends a request once and measures it. */
export async function sendOnce(request: BatchRequest, context: AttemptContext): Promise<Attempt> {
  const { backend, inFlight, worker } = context;
  const entry = inFlight.start();
  const startedAt = Date.now();
  const start = entry.sentAt;
  let firstTokenAt: number | null = null;
  let cameTokens = 0;
  const touch = (): void => inFlight.touch(entry);
  let answer: Answer | null = null;
  try {
    answer = await backend.generate(request, {
      get signal() {
        return inFlight.signalOf(entry);
      },
      worker,
      onActivity: touch,
      onFirstToken() {
        firstTokenAt ??= performance.now();
        touch();
      },
      onToken: () => void cameTokens++,
    });
  } catch (error) {
    answer = answerToThrown(entry, error, context);
  } finally {
    inFlight.end(entry, answer?.status === 'completed');
  }
  const latencyMs = performance.now() - start;
  const ttftMs = firstTokenAt === null ? null : firstTokenAt - start;
  return { answer, startedAt, latencyMs, ttftMs, tokens: tokensOfAttempt(answer, cameTokens) };
}

/** An abort is ours to explain. Anything else that a backend throws is about this request: what it says, or what came back. */
function answerToThrown(entry: FlightEntry, error: unknown, context: AttemptContext): Answer | null {
  if (entry.cause === null)
    return failureOfThrown(error, entry.activeSince === null ? 'bad-request' : 'invalid-response');
  if (entry.cause === 'stopped') return null;
  const { timeoutMs, stallTimeoutMs } = context;
  return {
    timeout: failure('timeout', `no whole answer within ${formatDuration(timeoutMs)} (--timeout)`),
    stalled: failure('timeout', `nothing came from the engine for ${formatDuration(stallTimeoutMs)} (--stall-timeout)`),
    away: failure('connection', 'The engine went away before the answer was whole.'),
  }[entry.cause];
}
