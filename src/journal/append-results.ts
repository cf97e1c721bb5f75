import { type Notifier, createNotifier } from '../async/notifier.ts';
import { type WriteBuffer, createWriteBuffer } from './write-buffer.ts';
import { type GroupTarget, writeGroup } from '../files/write-group.ts';

export interface AppenderOptions<Token> extends Omit<GroupTarget, 'fsync'> {
  /** Bytes that the file has; lines are appended behind them. */
  size: number;
  /**
   * When the file is synced: after each group of lines, after each line at once, or never (that is left to the system).
   */
  fsync: 'group' | 'always' | 'none';
  /**
   * Called with lines once they are on disk, in order, and once for each. The next group waits until the promise
   * resolves.
   */
  onDurable: (written: Written<Token>[]) => Promise<void> | undefined;
  /** Called when the output can't be written any more, or `onDurable` failed. Nothing is written after that. */
  onFailure: (error: unknown) => void;
}

/** A line that is on disk. */
export interface Written<Token> {
  /** The token that the line was appended with. */
  token: Token;
  /** Byte offset of the line in the file. */
  offset: number;
  /** Bytes of the line without its line feed. */
  length: number;
  /** The line with its line feed. The bytes are used again once the promise of `onDurable` has resolved. */
  bytes: Buffer;
}

/** Appends lines to a file in groups, each synced as a whole. */
export interface Appender<Token> {
  /** Takes a line that ends in a line feed. A promise is returned only while the disk can't keep up. */
  append: (line: string, token: Token) => Promise<void> | undefined;
  /** Writes and syncs all lines that wait. Rejects when that fails. */
  flush: () => Promise<void>;
}

/** A group of lines is written at this age at the latest, in milliseconds. */
const groupMs = 250;
/** A group is written when it has this many lines. It grows larger while the group before it is being synced. */
const groupSize = 64;
/** Number of lines that may wait for the disk before `append` has to wait too. */
const maxWaiting = 1024;
/** Number of bytes that may wait for the disk before `append` has to wait too. */
const maxWaitingBytes = 8 * 1024 * 1024;

interface State<Token> {
  readonly options: AppenderOptions<Token>;
  readonly settled: Notifier;
  waiting: WriteBuffer<Token>;
  /** The buffer of the group that was written last, to be filled again. */
  spare: WriteBuffer<Token>;
  size: number;
  failure: { cause: unknown } | null;
  isWriting: boolean;
  /** Number of callers that wait until everything is on disk. */
  flushes: number;
  timer: NodeJS.Timeout | null;
}

export function createAppender<Token>(options: AppenderOptions<Token>): Appender<Token> {
  const state: State<Token> = {
    options,
    settled: createNotifier(),
    waiting: createWriteBuffer<Token>(),
    spare: createWriteBuffer<Token>(),
    size: options.size,
    failure: null,
    isWriting: false,
    flushes: 0,
    timer: null,
  };
  return {
    append(text, token) {
      if (state.failure !== null) return Promise.reject(state.failure.cause);
      state.waiting.add(text, token);
      schedule(state);
      const { lines, length } = state.waiting;
      return lines.length >= maxWaiting || length >= maxWaitingBytes ? state.settled.next() : undefined;
    },
    async flush() {
      state.flushes++;
      schedule(state);
      while ((state.isWriting || state.waiting.lines.length > 0) && state.failure === null) await state.settled.next();
      state.flushes--;
      if (state.failure !== null) throw state.failure.cause;
    },
  };
}

function schedule<Token>(state: State<Token>): void {
  if (state.isWriting || state.failure !== null || state.waiting.lines.length === 0) return;
  if (isDue(state)) void writeGroups(state);
  else state.timer ??= setTimeout(() => void writeGroups(state), groupMs);
}

const isDue = <Token>({ waiting, flushes, options }: State<Token>): boolean =>
  waiting.lines.length > 0 && (waiting.lines.length >= groupSize || flushes > 0 || options.fsync === 'always');

async function writeGroups<Token>(state: State<Token>): Promise<void> {
  if (state.timer !== null) clearTimeout(state.timer);
  state.timer = null;
  state.isWriting = true;
  try {
    do await writeWaiting(state);
    while (isDue(state));
  } catch (error) {
    state.failure = { cause: error };
    state.options.onFailure(error);
  }
  state.isWriting = false;
  state.settled.notify();
  schedule(state);
}

async function writeWaiting<Token>(state: State<Token>): Promise<void> {
  const { waiting: group, options } = state;
  state.waiting = state.spare;
  const bytes = group.bytes();
  await writeGroup({ ...options, fsync: options.fsync !== 'none' }, bytes, state.size);
  let start = 0;
  const written = group.lines.map(({ token, length }): Written<Token> => {
    const line = { token, offset: state.size, length: length - 1, bytes: bytes.subarray(start, start + length) };
    start += length;
    state.size += length;
    return line;
  });
  await options.onDurable(written);
  group.clear();
  state.spare = group;
}
