import type { Progress, ProgressSource } from './progress.ts';
import { progressFields, waitingText } from './fields.ts';
import { serversText } from './servers.ts';
import { separatorFor } from './terminal.ts';

const lookEveryMs = 1000;
const lineEveryMs = 10_000;
const lineEveryRequests = 100;

/**
 * Writes a plain line every 10 s or 100 requests, at most one a second, and one at the end: for logs and CI. Before the
 * first answer it says how long that takes, after 10 s, 20 s, 40 s and so on. On a terminal, which results may share,
 * a line comes by the time alone.
 */
export function startLines({ stream, snapshot, title, environment }: ProgressSource): Progress {
  const startedAt = performance.now();
  const separator = separatorFor(environment);
  let printed = { done: snapshot().progress.done, atMs: startedAt };

  const print = (isFinal = false): void => {
    const state = snapshot();
    const atMs = performance.now();
    printed = { done: state.progress.done, atMs };
    const texts = progressFields(state, { waitedMs: atMs - startedAt, isFinal }).map(({ text }) => text);
    const fields = texts.filter(Boolean);
    // A line of a log may be long: no server is left out of it.
    const servers = serversText(state, { columns: Infinity, separator });
    if (fields.length > 0) stream.write(`${[title, ...fields, servers].filter(Boolean).join('  ')}\n`);
  };
  const look = (): void => {
    const state = snapshot();
    const isWaiting = waitingText(state, Infinity) !== '';
    const pauseMs = isWaiting ? Math.max(lineEveryMs, printed.atMs - startedAt) : lineEveryMs;
    const isLongAgo = performance.now() - printed.atMs >= pauseMs;
    const hasMany = stream.isTTY !== true && state.progress.done - printed.done >= lineEveryRequests;
    if (isLongAgo || hasMany) print();
  };

  const timer = setInterval(look, lookEveryMs).unref();
  let isStopped = false;
  return {
    note: (text) => void stream.write(`${text}\n`),
    stop() {
      if (isStopped) return;
      isStopped = true;
      clearInterval(timer);
      // On a terminal the summary comes next, and says it all.
      if (stream.isTTY !== true && waitingText(snapshot(), Infinity) === '') print(true);
    },
  };
}

/** Writes the notes to the stream, and no progress. */
export const startNotes = ({ stream }: ProgressSource): Progress => ({
  note: (text) => void stream.write(`${text}\n`),
  stop: () => {},
});
