import { snapshotToWire } from '../core/snapshot.ts';
import { jsonVersion } from '../text/snake-keys.ts';
import type { Progress, ProgressSource } from './progress.ts';

const intervalMs = 1000;

/**
 * Writes one JSON object a second, and one at the end: `{"title", "final", ...}` with what `snapshotToWire` makes of the
 * snapshot: `total`, `done`, `recent_rate`, `latency_ms.p95`, `gpu_peak_bytes` and so on. Null means "not measured".
 * A note is written as `{"title", "note"}`.
 */
export function startJson({ stream, snapshot, title }: ProgressSource): Progress {
  const write = (value: object): void => void stream.write(`${JSON.stringify({ title, ...value })}\n`);
  const writeSnapshot = (final: boolean): void =>
    write({ schema_version: jsonVersion, final, ...snapshotToWire(snapshot()) });
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
