import { snakeKeys } from '../text/snake-keys.ts';
import type { Progress, ProgressSource } from './progress.ts';

const intervalMs = 1000;

/**
 * One JSON object a second, and one at the end: `{"title", "final", ...}` and the members of `Snapshot` (core/snapshot.ts)
 * in snake_case: `total`, `done`, `recent_rate`, `latency_ms.p95`, `gpu_peak_bytes`, ... Null is "not measured".
 * A note is `{"title", "note"}`.
 */
export function startJson({ stream, snapshot, title }: ProgressSource): Progress {
  const write = (value: object): void => void stream.write(`${JSON.stringify({ title, ...value })}\n`);
  const writeSnapshot = (final: boolean): void => write({ final, ...(snakeKeys(snapshot()) as object) });
  const timer = setInterval(() => writeSnapshot(false), intervalMs).unref();
  let isStopped = false;
  return {
    note: (note) => write({ note }),
    stop() {
      if (isStopped) return;
      isStopped = true;
      clearInterval(timer);
      writeSnapshot(true);
    },
  };
}
