import { type Failure, failure } from '../../core/completion.ts';
import { EngineError, type ErrorKind, isTransient, stopsTheRun } from '../../core/errors.ts';
import { formatDuration, formatSeconds } from '../../text/format.ts';
import { DeadlineError, withDeadline } from '../../async/abort.ts';
import { sleep } from '../../async/sleep.ts';

export interface Waiting {
  signal: AbortSignal;
  onNotice: (text: string) => void;
  /** Longest wait for a server that does not answer, in milliseconds. */
  maxMs: number;
  /** The same for one that takes the connection and is slow to say something; absent: as for any other. */
  maxSlowMs?: number;
}

export interface Sought<Facts> {
  /** Kind of the server for messages, such as `Ollama server`. */
  name: string;
  url: string;
  /** Sentence that says what to start, and how to name another address. */
  startHint: string;
  whereHint: string;
  /**
   * Asks the server one question: resolves to what it says, or to the reason why it can't answer yet. Throws where
   * waiting is hopeless.
   */
  ask: (signal: AbortSignal) => Promise<{ found: Facts } | Failure>;
}

export interface ServerAnswer<Facts> {
  found: Facts;
  /** Time without an answer in milliseconds; null where it answered at once. */
  awayMs: number | null;
  /**
   * Says whether the connection was refused or broke, so that what was sent before is lost. A busy server may only be
   * silent.
   */
  wasGone: boolean;
}

/** Longest wait for a server that is being started, in milliseconds. */
export const startWaitMs = 30_000;
/** The wait for a server that went away in the middle of a run; it tells the user nothing, because the scheduler does. */
export const outageWait = { maxMs: 300_000, onNotice: () => {} };

const firstWaitMs = 250;
const maxWaitMs = 2000;
/** A server that takes the connection and says nothing for so long does not answer. */
const maxSilenceMs = 5000;
const maxPatienceMs = 20_000;

/** Asks a server until it answers. Throws an `EngineError` when it does not, or can't be used. */
export async function waitForServer<Facts>(sought: Sought<Facts>, waiting: Waiting): Promise<ServerAnswer<Facts>> {
  const { signal, onNotice } = waiting;
  const startedAt = performance.now();
  const passedMs = (): number => performance.now() - startedAt;
  let wasGone = false;
  for (let waitMs = firstWaitMs, tries = 0; ; waitMs = Math.min(waitMs * 1.5, maxWaitMs), tries++) {
    const answer = await askOnce(sought, signal, patienceOf(waiting, tries));
    if ('found' in answer) {
      if (tries > 0) onNotice(`the ${sought.name} answers, after ${formatDuration(passedMs())}`);
      return { found: answer.found, awayMs: tries > 0 ? passedMs() : null, wasGone };
    }
    // A server of another kind that answers will not become one of this kind.
    if (!isTransient(answer.kind) || answer.kind === 'invalid-response') throw hopeless(answer, sought);
    wasGone ||= answer.kind === 'connection';
    const limitMs = limitOf(waiting, answer.kind);
    if (passedMs() > limitMs) throw noServer(sought, passedMs(), answer);
    if (tries === 0) onNotice(waitText(sought, answer, limitMs));
    await sleep(waitMs, signal);
  }
}

const limitOf = ({ maxMs, maxSlowMs = maxMs }: Waiting, kind: ErrorKind): number =>
  kind === 'timeout' ? maxSlowMs : maxMs;

/** One that is overloaded is asked again with more patience. */
const patienceOf = (waiting: Waiting, tries: number): number =>
  Math.max(firstWaitMs, Math.min(limitOf(waiting, 'timeout'), maxSilenceMs * 2 ** tries, maxPatienceMs));

function waitText({ name, url }: Sought<unknown>, { kind }: Failure, limitMs: number): string {
  const trouble = kind === 'timeout' ? `the ${name} answers too slowly at ${url}` : `no ${name} answers at ${url}`;
  return `${trouble}: waiting for it, at most ${formatSeconds(limitMs / 1000)}`;
}

/** Asks once, and waits for the answer no longer than for one of a server that has nothing else to do. */
export async function askOnce<Facts>(
  { ask }: Pick<Sought<Facts>, 'ask'>,
  signal: AbortSignal,
  maxMs = maxSilenceMs,
): Promise<{ found: Facts } | Failure> {
  try {
    return await withDeadline(signal, maxMs, ask);
  } catch (error) {
    if (error instanceof DeadlineError) return failure('timeout', 'It accepts the connection, but does not answer.');
    throw error;
  }
}

const hopeless = ({ kind, message }: Failure, { whereHint }: Sought<unknown>): EngineError =>
  new EngineError(stopsTheRun(kind) ? kind : 'unusable', message, whereHint);

function noServer(sought: Sought<unknown>, waitedMs: number, { kind, message }: Failure): EngineError {
  const { name, url, startHint, whereHint } = sought;
  const waited = formatDuration(waitedMs);
  if (kind === 'timeout')
    return new EngineError(
      'unusable',
      `the ${name} at ${url} answers too slowly: it was asked for ${waited} (${message})`,
      `See whether its machine is overloaded, or start it anew. ${whereHint}`,
    );
  return new EngineError(
    'unusable',
    `no ${name} answered at ${url} for ${waited} (${message})`,
    `${startHint} ${whereHint}`,
  );
}
