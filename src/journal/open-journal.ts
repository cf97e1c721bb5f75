import { type ErrorKind, isTransient } from '../core/errors.ts';
import type { ResultSample } from '../core/events.ts';
import type { ByteRange } from '../files/read-ranges.ts';
import type { ResultLine } from '../core/result-line.ts';
import { type RowTable, rowStates } from '../data/row-table.ts';
import type { RunnerSettings } from '../core/settings.ts';
import { sampleOf } from '../core/result-counter.ts';
import { type Written, createAppender } from './append-results.ts';
import { encodeResult } from './encode-result.ts';
import { finaliseOutput } from './finalise-output.ts';
import { loadResults } from './load-results.ts';
import { type WorkerTurns, loadTurns } from './load-turns.ts';
import { openOutput } from './open-output.ts';
import type { ResultHead } from './result-head.ts';

export type RetryFailed = 'all' | 'transient' | 'none';

export interface JournalOptions {
  path: string;
  /** Rows of the input; the journal notes in it which have a result, and where. */
  table: RowTable;
  fsync: RunnerSettings['fsync'];
  /** Which failed results of earlier sessions are tried again. */
  retryFailed: RetryFailed;
  /** A result that an earlier session left, and that stands. */
  onEarlier: (sample: ResultSample) => void;
  /** Results that are safe on disk now, with their lines as written; a promise holds the next ones back. */
  onDurable: (results: DurableResult[]) => Promise<void> | undefined;
  onFailure: (error: unknown) => void;
}

/** A result that is safe on disk. */
interface DurableResult {
  sample: ResultSample;
  /** The line as written; valid until the promise of `onDurable` resolves. */
  bytes: Buffer;
}

/** The output of a run: appended to while it goes on, brought into order at its end. */
export interface Journal {
  record: (row: number, line: ResultLine) => Promise<void> | undefined;
  /** Rows whose result is on disk. */
  done: () => number;
  /** Bytes that a crash had torn from the end, and lines that were no results; both are kept aside. */
  readonly damage: { tornBytes: number; lines: number };
  /** Results that were there, and whose id the input does not have. */
  readonly strangers: number;
  /** The last turns of each worker's conversation, for a resume. */
  loadTurns: () => Promise<Map<number, WorkerTurns>>;
  flush: () => Promise<void>;
  /** One line a request, in the order of the input. Nothing can be recorded afterwards. */
  finalise: () => Promise<void>;
  close: () => Promise<void>;
}

interface Token {
  row: number;
  kind: ErrorKind | null;
  sample: ResultSample;
}

export async function openJournal(options: JournalOptions): Promise<Journal> {
  const { path, table } = options;
  const { handle, size, tornBytes } = await openOutput(path);
  const earlier = await loadEarlier(options, { handle, path, size });
  const appended = { bytes: size, done: earlier.done };

  const noteDurable = (written: Written<Token>[]): Promise<void> | undefined => {
    for (const { token, offset, length } of written) {
      if (table.resultOffset(token.row) < 0 || table.state(token.row) === rowStates.open) appended.done++;
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
    record(row, result) {
      const { line, text } = encodeResult(result);
      return appender.append(text, { row, kind: line.error?.code ?? null, sample: sampleOf(line) });
    },
    done: () => appended.done,
    damage: { tornBytes, lines: earlier.damagedLines },
    strangers: earlier.unknown.length,
    loadTurns: () => loadTurns(handle, size),
    flush: appender.flush,
    async finalise() {
      await appender.flush();
      await finaliseOutput({ handle, path, size: appended.bytes }, table, earlier.unknown);
    },
    close: () => handle.close(),
  };
}

/** Loads what earlier sessions left, and opens the failed rows that are to be tried again. */
async function loadEarlier(
  { table, retryFailed, onEarlier }: JournalOptions,
  file: Parameters<typeof loadResults>[0],
): Promise<{ done: number; unknown: ByteRange[]; damagedLines: number }> {
  const failures = new Map<number, ResultHead>();
  const loaded = await loadResults(file, table, (row, head) => {
    if (head.kind === null) {
      failures.delete(row);
      onEarlier(sampleOfHead(head));
    } else {
      failures.set(row, head);
    }
  });
  for (const [row, head] of failures) {
    const isRetried = isRetriedOnResume(head.kind, retryFailed);
    if (isRetried && table.state(row) === rowStates.failed) table.setState(row, rowStates.open);
    else onEarlier(sampleOfHead(head));
  }
  let done = 0;
  for (let row = 0; row < table.size; row++) {
    if (table.resultOffset(row) >= 0 && table.state(row) !== rowStates.open) done++;
  }
  return { done, ...loaded };
}

/** A row that failed as `input` and is a request now was mended since: a rejected row never comes here. */
function isRetriedOnResume(kind: ErrorKind | null, policy: RetryFailed): boolean {
  if (policy === 'none' || kind === null) return false;
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
