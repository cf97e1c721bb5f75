import { type ErrorKind, isTransient } from '../core/errors.ts';
import type { ResultSample } from '../core/events.ts';
import { createMessagePool } from '../core/failures/failure-groups.ts';
import type { ByteRange } from '../files/read-ranges.ts';
import type { ResultLine } from '../core/result-line.ts';
import { type RowState, type RowTable, rowStates } from '../data/row-table.ts';
import type { RunnerSettings } from '../core/settings.ts';
import { sampleOf } from '../core/result-counter.ts';
import { type Written, createAppender } from './append-results.ts';
import { encodeResult } from './encode-result.ts';
import { finaliseOutput } from './finalise-output.ts';
import { loadResults } from './load-results.ts';
import { type WorkerTurns, loadTurns } from './load-turns.ts';
import { openOutput } from './open-output.ts';
import type { ResultHead } from './result-head.ts';

/**
 * Failed requests of earlier sessions that a resume tries again: all, those that failed for a passing reason, or none.
 */
export type RetryFailed = 'all' | 'transient' | 'none';

export interface JournalOptions {
  path: string;
  /** The rows of the input. The journal notes in it which rows have a result, and where the result lies. */
  table: RowTable;
  fsync: RunnerSettings['fsync'];
  retryFailed: RetryFailed;
  /** Called for each result of an earlier session that is not tried again. */
  onEarlier: (sample: ResultSample) => void;
  /** Called with results once they are safe on disk. Later ones wait until the promise resolves. */
  onDurable: (results: DurableResult[]) => Promise<void> | undefined;
  /** Called when the output can't be written any more; nothing is written after that. */
  onFailure: (error: unknown) => void;
}

/** A result that is safe on disk. */
interface DurableResult {
  sample: ResultSample;
  /** The line as it was written. Its bytes are used again once the promise of `onDurable` has resolved. */
  bytes: Buffer;
}

/**
 * The output of a run, open for writing: results are appended while the run goes on, and brought into order at its end.
 */
export interface Journal {
  /**
   * Takes the result of a row, and the JSON of the fields that stay with it. A promise is returned only while the disk
   * can't keep up.
   */
  record: (row: number, line: ResultLine, rowJson?: string) => Promise<void> | undefined;
  /** Number of rows that have their result on disk. */
  done: () => number;
  /**
   * Bytes of a torn last line, and lines that were not results. Both were found when the output was opened, and are
   * kept aside.
   */
  readonly damage: { tornBytes: number; lines: number };
  /** Number of results of earlier sessions whose id the input does not have. */
  readonly strangers: number;
  /** Number of failed requests of earlier sessions that are tried again, by the kind of their failure. */
  readonly retried: Partial<Record<ErrorKind, number>>;
  /** Reads the last turns of each worker's conversation, so that a resume can go on with it. */
  loadTurns: () => Promise<Map<number, WorkerTurns>>;
  /** Resolves when every result that was recorded is on disk. */
  flush: () => Promise<void>;
  /**
   * Replaces the output by one line for each request, in the order of the input. Nothing can be recorded after that.
   */
  finalise: () => Promise<void>;
  close: () => Promise<void>;
}

interface Token {
  row: number;
  kind: ErrorKind | null;
  sample: ResultSample;
}

/** Opens the output of a run, and loads what earlier sessions left in it. Throws a `JournalError`. */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const { path, table } = options;
  const { handle, size, tornBytes } = await openOutput(path);
  const earlier = await loadEarlier(options, { handle, path, size });
  const appended = { bytes: size, done: earlier.done };

  const noteDurable = (written: Written<Token>[]): Promise<void> | undefined => {
    for (const { token, offset, length } of written) {
      if (table.resultOffset(token.row) < 0 || isAwaited(table.state(token.row))) appended.done++;
      if (table.state(token.row) !== rowStates.rejected) {
        table.setState(token.row, token.kind === null ? rowStates.succeeded : rowStates.failed);
      }
      table.setResult(token.row, offset, length);
      appended.bytes = offset + length + 1;
    }
    return options.onDurable(written.map(({ token, bytes }) => ({ sample: token.sample, bytes })));
  };
  const appender = createAppender<Token>({ ...options, handle, size, onDurable: noteDurable });

  return {
    record(row, result, rowJson) {
      const { line, text } = encodeResult(result, rowJson);
      const sample = sampleOf(line);
      sample.inputBytes = table.length(row);
      return appender.append(text, { row, kind: line.error?.code ?? null, sample });
    },
    done: () => appended.done,
    damage: { tornBytes, lines: earlier.damagedLines },
    strangers: earlier.unknown.length,
    retried: earlier.retried,
    loadTurns: () => loadTurns(handle, size),
    flush: appender.flush,
    async finalise() {
      await appender.flush();
      await finaliseOutput({ handle, path, size: appended.bytes }, table, earlier.unknown);
    },
    close: () => handle.close(),
  };
}

/** Loads the results of earlier sessions, and opens the rows again whose failures are to be tried again. */
async function loadEarlier(
  { table, retryFailed, onEarlier }: JournalOptions,
  file: Parameters<typeof loadResults>[0],
): Promise<{ done: number; unknown: ByteRange[]; damagedLines: number; retried: Journal['retried'] }> {
  const failures = new Map<number, ResultHead>();
  const pooled = createMessagePool();
  const loaded = await loadResults(file, table, (row, head) => {
    if (head.kind === null) {
      failures.delete(row);
      onEarlier(sampleOfHead(head));
    } else {
      failures.set(row, pooledWords(head, pooled));
    }
  });
  const retried: Journal['retried'] = {};
  for (const [row, head] of failures) {
    const { kind } = head;
    if (kind !== null && isRetriedOnResume(kind, retryFailed) && table.state(row) === rowStates.failed) {
      table.setState(row, rowStates.open);
      retried[kind] = (retried[kind] ?? 0) + 1;
    } else onEarlier(sampleOfHead(head));
  }
  let done = 0;
  for (let row = 0; row < table.size; row++) {
    if (table.resultOffset(row) >= 0 && table.state(row) !== rowStates.open) done++;
  }
  return { done, ...loaded, retried };
}

/** Is the row to get a result, though it may have one of an earlier session? */
const isAwaited = (state: RowState): boolean => state === rowStates.open || state === rowStates.copy;

/** Keeps one text for all messages that say the same: there may be as many failures as rows. */
function pooledWords(head: ResultHead, pooled: (message: string) => string): ResultHead {
  const { failure } = head;
  return failure === undefined ? head : { ...head, failure: { ...failure, message: pooled(failure.message) } };
}

/**
 * A row that failed as `input` and is a request now was corrected since: a row that is still rejected never comes here.
 */
function isRetriedOnResume(kind: ErrorKind, policy: RetryFailed): boolean {
  if (policy === 'none') return false;
  return policy === 'all' || kind === 'input' || isTransient(kind);
}

const sampleOfHead = (head: ResultHead): ResultSample => ({
  ...head,
  latencyMs: 0,
  ttftMs: null,
  queueMs: null,
  attempts: 1,
  endedAt: 0,
});
