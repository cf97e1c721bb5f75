import { PassThrough } from 'node:stream';
import { createMeter } from '../../src/metrics/meter.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';
import { changeSnapshot } from '../helpers/change-snapshot.ts';
import type { ProgressStream } from '../../src/progress/progress.ts';

/** A stream that keeps what is written to it; with `columns` it says that it is a terminal. */
export function captureStream(columns?: number): { stream: ProgressStream; text: () => string } {
  let written = '';
  const stream = new PassThrough();
  stream.on('data', (chunk: Buffer) => (written += chunk.toString()));
  return { stream: Object.assign(stream, columns === undefined ? {} : { isTTY: true, columns }), text: () => written };
}

const gibibyte = 1024 ** 3;

/** A run in the middle of its work, with all that can be measured. */
export const midway: Snapshot = changeSnapshot(createMeter({ now: () => 0 }).snapshot(), {
  progress: { total: 200, done: 126, succeeded: 124, failed: 2 },
  rates: {
    requests: { recent: 46.9, overall: 40 },
    generation: { recent: 2734, overall: 2600, basis: 'live' },
    prompt: { recent: 812, overall: 790, basis: 'live', includesCached: false },
  },
  times: { elapsedSeconds: 62.5, eta: { seconds: 245, low: 230, high: 260 } },
  machine: {
    gpus: [
      { usedBytes: 18.2 * gibibyte, totalBytes: 24 * gibibyte, utilisation: 97, temperature: 61, powerWatts: 212 },
    ],
  },
});

const serverNames = ['desktop:8000', 'laptop:11434', 'gpu-7.example.org:8000'];

/** The same run on three servers: one at work, one away, and one that could not be opened yet. */
export const onServers: Snapshot = changeSnapshot(midway, {
  servers: serverNames.map((name, index) => {
    const meter = createMeter({ now: () => 0 });
    meter.add({ type: 'servers', names: [name] });
    const [server] = meter.snapshot().servers!;
    const away = {
      state: 'away',
      reason: 'connect ECONNREFUSED',
      stateSeconds: 10.4,
      awaySeconds: 10.4,
      outages: 1,
    } as const;
    if (index === 2) return server!;
    return {
      ...server!,
      ...(index === 1 ? away : { state: 'up', inFlight: 8 }),
      workers: 8,
      answered: index === 0 ? 93 : 31,
      failedAttempts: index * 3,
      share: index === 0 ? 0.75 : 0.25,
      rates: { ...midway.rates, requests: { recent: 36.9, overall: 30 } },
      idleSeconds: 0.4,
    };
  }),
});
