/**
 * Every failure of the product has one kind, decided where it is born. The table says what the scheduler does with it.
 *
 * - `retry`: tried again with backoff; recorded as a failure when the retries are used up, and tried again by `resume`.
 * - `fail`: this request fails; trying the same request again would fail again.
 * - `stop`: every other request would fail too, so the run stops (exit 4, resumable) and the request stays unanswered.
 */
const errorKinds = {
  'rate-limited': { does: 'retry', group: 'other' },
  overloaded: { does: 'retry', group: 'other' },
  timeout: { does: 'retry', group: 'timeout' },
  connection: { does: 'retry', group: 'other' },
  'server-error': { does: 'retry', group: 'other' },
  'engine-crashed': { does: 'retry', group: 'other' },
  'out-of-memory': { does: 'retry', group: 'OOM' },
  'invalid-response': { does: 'retry', group: 'other' },
  'bad-request': { does: 'fail', group: 'other' },
  'context-too-long': { does: 'fail', group: 'model' },
  'control-token': { does: 'fail', group: 'other' },
  truncated: { does: 'fail', group: 'model' },
  repetition: { does: 'fail', group: 'model' },
  refused: { does: 'fail', group: 'model' },
  'schema-invalid': { does: 'fail', group: 'model' },
  empty: { does: 'fail', group: 'model' },
  'not-honoured': { does: 'fail', group: 'other' },
  input: { does: 'fail', group: 'other' },
  unauthorized: { does: 'stop', group: 'other' },
  'model-not-found': { does: 'stop', group: 'model' },
  unusable: { does: 'stop', group: 'other' },
} as const;

export type ErrorKind = keyof typeof errorKinds;
/** The coarse groups of the reports. */
export type ErrorGroup = 'OOM' | 'timeout' | 'model' | 'other';

export const allErrorKinds = Object.keys(errorKinds) as ErrorKind[];
export const isErrorKind = (text: string): text is ErrorKind => Object.hasOwn(errorKinds, text);
export const isTransient = (kind: ErrorKind): boolean => errorKinds[kind].does === 'retry';
export const stopsTheRun = (kind: ErrorKind): boolean => errorKinds[kind].does === 'stop';
export const groupOf = (kind: ErrorKind): ErrorGroup => errorKinds[kind].group;

/** Exit codes, printed in every `--help`. */
export const exitCodes = {
  ok: 0,
  bug: 1,
  usage: 2,
  someFailed: 3,
  engineUnusable: 4,
  outputUnusable: 5,
  hungUp: 129,
  interrupted: 130,
  terminated: 143,
} as const;

/** A failure that a user can act on: a sentence, and in `hint` the next thing to do. Anything else thrown is a bug. */
export class LlmbatchError extends Error {
  readonly exitCode: number;
  readonly hint: string | undefined;

  constructor(message: string, details: { exitCode: number; hint?: string; cause?: unknown }) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.exitCode = details.exitCode;
    this.hint = details.hint;
  }
}

/** A wrong flag, a missing file, an input that `--strict` refuses: exit 2, before anything is sent. */
export class UsageError extends LlmbatchError {
  constructor(message: string, hint?: string) {
    super(message, { exitCode: exitCodes.usage, ...(hint === undefined ? {} : { hint }) });
  }
}

/** No engine serves the models of an input. `isAway`: one that may serve them does not answer, and may do so later. */
export class NoEngineError extends UsageError {
  readonly isAway: boolean;

  constructor(message: string, hint: string, isAway: boolean) {
    super(message, hint);
    this.isAway = isAway;
  }
}

/**
 * The output can't be used (locked, disk full, deleted, another run's): exit 5. What was acknowledged stays on disk.
 */
export class JournalError extends LlmbatchError {
  constructor(message: string, hint?: string, cause?: unknown) {
    super(message, { exitCode: exitCodes.outputUnusable, ...(hint === undefined ? {} : { hint }), cause });
  }
}

/** The engine can't go on: exit 4, resumable. */
export class EngineError extends LlmbatchError {
  readonly kind: ErrorKind;

  constructor(kind: ErrorKind, message: string, hint?: string) {
    super(message, { exitCode: exitCodes.engineUnusable, ...(hint === undefined ? {} : { hint }) });
    this.kind = kind;
  }

  /** The same error, with one more thing to do behind its own. */
  withHint(next: string): EngineError {
    return new EngineError(
      this.kind,
      this.message,
      this.hint === undefined ? next : `${this.hint.replace(/\.?$/, '.')} ${next}`,
    );
  }
}

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * What the system says of a failed call, in words: `permission denied` for `EACCES: permission denied, open '/x'`. The text of
 * any other error as it is.
 */
export const systemReason = (error: unknown): string =>
  messageOf(error).replace(/^E[A-Z0-9]+: (.+?), \w+(?: '.*)?$/s, '$1');

/** A thrown text may hold a whole prompt, or a whole answer. */
const longestUnexpected = 500;

/** Describes a thrown error that was not foreseen, with its name, by which a maintainer recognises a bug. */
export function describeUnexpected(error: unknown): string {
  try {
    const name = error instanceof Error ? error.name : typeof error;
    return `unexpected ${`${name}: ${messageOf(error)}`.slice(0, longestUnexpected)}`;
  } catch {
    return 'unexpected error that has no text';
  }
}

/** The system's error code (`ENOENT`, `ENOSPC`, ...), or '' where there is none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
