import type { Progress, ProgressSource } from './progress.ts';
import { progressFields } from './fields.ts';

const lookEveryMs = 1000;
const lineEveryMs = 10_000;
const lineEveryRequests = 100;

/** Writes a plain line every 10 s or 100 requests, at most one a second, and one at the end: for logs and CI. */
export function startLines({ stream, snapshot, title }: ProgressSource): Progress {
  let printed = { done: snapshot().progress.done, atMs: performance.now() };

  const print = (): void => {
    const state = snapshot();
    printed = { done: state.progress.done, atMs: performance.now() };
    stream.write(`${[title, ...progressFields(state).map((field) => field.text)].join('  ')}\n`);
  };
  const look = (): void => {
    const isLongAgo = performance.now() - printed.atMs >= lineEveryMs;
    if (isLongAgo || snapshot().progress.done - printed.done >= lineEveryRequests) print();
  };

  const timer = setInterval(look, lookEveryMs).unref();
  let isStopped = false;
  return {
    note: (text) => void stream.write(`${text}\n`),
    stop() {
      if (isStopped) return;
      isStopped = true;
      clearInterval(timer);
      print();
    },
  };
}

/** Writes the notes to the stream, and no progress. */
export const startNotes = ({ stream }: ProgressSource): Progress => ({
  note: (text) => void stream.write(`${text}\n`),
  stop: () => {},
});
