import type { FlightSample } from '../core/measurements.ts';
import type { RunProgress } from '../core/snapshot.ts';

type FlightState = Pick<RunProgress, 'oldestInFlight' | 'tokensInFlight'>;

export interface FlightWatch {
  /** Times are milliseconds of the caller's clock. */
  add(sample: FlightSample, atMs: number): void;
  read(nowMs: number, inFlight: number): FlightState;
}

/** Keeps how far the requests in flight are. Their tokens are not known before the engine has told of any. */
export function createFlightWatch(): FlightWatch {
  let last: FlightSample | null = null;
  let sampledAtMs = 0;
  let isTold = false;
  return {
    add(sample, atMs) {
      last = sample;
      sampledAtMs = atMs;
      isTold ||= sample.generated > 0;
    },
    read(nowMs, inFlight) {
      if (inFlight === 0 || last?.oldest == null) return { oldestInFlight: null, tokensInFlight: null };
      const { oldest, tokens } = last;
      const ageSeconds = (oldest.ageMs + nowMs - sampledAtMs) / 1000;
      return {
        oldestInFlight: { ageSeconds, tokens: isTold ? oldest.tokens : null },
        tokensInFlight: isTold ? tokens : null,
      };
    },
  };
}
