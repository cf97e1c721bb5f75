import { type WriteStream, constants, createWriteStream, openSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { Redaction } from '../../text/redaction.ts';
import { appendFlags } from '../../files/no-follow.ts';

/** Keeps what a worker prints: its last lines for messages, and all of it in a file where one is named. */
export interface WorkerLog {
  lines: () => readonly string[];
  /** The last of them, as the end of a message; '' where it printed nothing. */
  text: () => string;
}

export interface WorkerLogOptions {
  redact: Redaction;
  file?: string | null;
  onLine?: (line: string) => void;
}

/** The cause of a failed start may lie so many lines before the end. */
const keptLines = 400;
const shownLines = 20;
const longestLine = 65_536;

export function createWorkerLog(streams: readonly Readable[], { redact, file, onLine }: WorkerLogOptions): WorkerLog {
  const output = openFile(file ?? null);
  let kept: string[] = [];
  const keep = (line: string): void => {
    if (line.trim() === '') return;
    kept.push(line);
    if (kept.length > 2 * keptLines) kept = kept.slice(-keptLines);
    onLine?.(line);
  };
  const write = (text: string): string => {
    const clean = redact.inText(text);
    if (clean !== '') output?.write(clean);
    return clean;
  };
  for (const stream of streams) {
    let rest = '';
    stream.setEncoding('utf8');
    stream.on('data', (piece: string) => {
      // Whole lines, for a secret may come in two pieces. A progress bar goes back to the start of its line.
      const text = rest + piece;
      const end = Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r')) + 1;
      for (const line of write(text.slice(0, end)).split(/[\r\n]/)) keep(line);
      rest = text.slice(end);
      if (rest.length <= longestLine) return;
      write(rest);
      rest = '';
    });
    stream.on('close', () => {
      keep(write(rest));
      rest = '';
    });
  }
  for (const stream of streams) stream.on('close', () => streams.every(({ closed }) => closed) && output?.end());
  const lines = (): readonly string[] => kept.slice(-keptLines);
  return {
    lines,
    text() {
      const last = lines().slice(-shownLines).join('\n').trim();
      return last === '' ? '' : `\nIts last output:\n${last}`;
    },
  };
}

/**
 * Opens the log for its owner alone, since it may name what the user works on. A full disk ends the log, not the run.
 */
function openFile(path: string | null): WriteStream | null {
  if (path === null) return null;
  try {
    // A pipe or a device of this name is not ours, and must not be waited for.
    const descriptor = openSync(path, appendFlags | (constants.O_NONBLOCK ?? 0), 0o600);
    const stream = createWriteStream(path, { fd: descriptor });
    stream.on('error', () => stream.destroy());
    return stream;
  } catch {
    return null;
  }
}
