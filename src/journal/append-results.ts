import { type Notifier, createNotifier } from '../async/notifier.ts';
import { type WriteBuffer, createWriteBuffer } from './write-buffer.ts';
import { type GroupTarget, writeGroup } from '../files/write-group.ts';

export interface AppenderOptions<Token> extends Omit<GroupTarget, 'fsync'> {
  /** Bytes of the file; the lines go behind them. */
  size: number;
  /** group: a sync for each group of results · always: a group is never waited for · none: left to the system. */
  fsync: 'group' | 'always' | 'none';
  /** The lines of these tokens are on disk. Called in order, once for each token; a promise holds the next group back. */
  onDurable: (written: Written<Token>[]) => Promise<void> | undefined;
  /** The output can't be written any more, or `onDurable` failed; nothing is written after that. */
  onFailure: (error: unknown) => void;
}

export interface Written<Token> {
  token: Token;
  /** Where the line lies in the file, without its line feed. */
  offset: number;
  length: number;
  /** The line with its line feed; valid until the promise of `onDurable` resolves. */
  bytes: Buffer;
}

export interface Appender<Token> {
  /** Takes a line (with its line feed). A promise is returned only while the disk can't keep up. */
  append: (line: string, token: Token) => Promise<void> | undefined;
  /** Writes and syncs all that waits. Rejects when that failed. */
  flush: () => Promise<void>;
}

/** A group is written when it is this old, or this large; a larger one forms while the one before is being synced. */
const groupMs = 250;
const groupSize = 64;
/** Beyond this, whoever appends waits for the disk. */
const maxWaiting = 1024;
const maxWaitingBytes = 8 * 1024 * 1024;

interface State<Token> {
  readonly options: AppenderOptions<Token>;
  readonly settled: Notifier;
  waiting: WriteBuffer<Token>;
  /** The group written last, to be filled again. */
  spare: WriteBuffer<Token>;
  size: number;
  failure: { cause: unknown } | null;
  isWriting: boolean;
  /** Callers that wait for everything to be on disk. */
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
