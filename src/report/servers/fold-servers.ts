import type { ResultSample } from '../../core/events.ts';
import { cutWords } from '../../core/failures/failure-groups.ts';
import { addMeasured } from '../../core/measurements.ts';
import type { Snapshot } from '../../core/snapshot.ts';
import type { ServerNumbers } from '../../core/snapshot/server-numbers.ts';
import { type Distribution, createDistribution } from '../../data/distribution.ts';

/**
 * What one of several servers did. The results tell who had each request last, in whichever session: they are counted. What
 * no result tells is taken from the last session's snapshot.
 */
export interface ServerReport {
  /** Null: results that name no server, of a session with one engine alone. */
  name: string | null;
  answered: number;
  /** Requests that failed, with it as the last that had them. */
  failed: number;
  /** Its part of the answered requests, 0 to 1; null where none was answered. */
  share: number | null;
  /** Requests per second of the run's work, answered or failed. */
  requestRate: number | null;
  /** Completion tokens of its answers per second of the run's work. */
  generationRate: number | null;
  /** Tokens of its answers. */
  promptTokens: number | null;
  completionTokens: number | null;
  latencyMs: Distribution | null;
  /** Of the run's last session; null where the manifest does not tell it. */
  lastSession: Pick<ServerNumbers, 'failedAttempts' | 'outages' | 'awaySeconds' | 'idleSeconds'> | null;
}

export interface ServersFold {
  /** Adds the result of a request that was sent. */
  add(sample: ResultSample): void;
  /** Null where no result names a server, and the last session had one engine. */
  read(snapshot: Snapshot | null, elapsedSeconds: number | null): ServerReport[] | null;
}

/** Servers that are told apart; results of further ones count as of none. */
const maxServers = 200;

interface Sums {
  answered: number;
  failed: number;
  promptTokens: number | null;
  completionTokens: number | null;
  latency: ReturnType<typeof createDistribution>;
}

const newSums = (): Sums => ({
  answered: 0,
  failed: 0,
  promptTokens: 0,
  completionTokens: 0,
  latency: createDistribution(),
});

/** Counts results by the server that they name; memory does not grow with their number. */
export function foldServers(): ServersFold {
  const byName = new Map<string, Sums>();
  const unnamed = newSums();

  const sumsFor = (name: string | undefined): Sums => {
    if (name === undefined) return unnamed;
    const key = cutWords(name);
    const known = byName.get(key);
    if (known !== undefined) return known;
    if (byName.size >= maxServers) return unnamed;
    const sums = newSums();
    byName.set(key, sums);
    return sums;
  };
  return {
    add(sample) {
      addSample(sumsFor(sample.server), sample);
    },
    read(snapshot, elapsedSeconds) {
      const kept = new Map((snapshot?.servers ?? []).map((server) => [cutWords(server.name), server]));
      if (byName.size === 0 && kept.size === 0) return null;
      // In the order in which they were named, and those of earlier sessions behind them.
      const names = [...new Set([...kept.keys(), ...byName.keys()])];
      const rows = names.map((name) => ({ name, sums: byName.get(name) ?? newSums(), last: kept.get(name) }));
      const others = unnamed.answered + unnamed.failed === 0 ? [] : [{ name: null, sums: unnamed, last: undefined }];
      const all = [...rows, ...others];
      const answered = all.reduce((sum, { sums }) => sum + sums.answered, 0);
      return all.map((row) => reportOf(row, { answered, elapsedSeconds }));
    },
  };
}

function addSample(sums: Sums, { kind, latencyMs, promptTokens, completionTokens }: ResultSample): void {
  if (kind !== null) {
    sums.failed++;
    return;
  }
  sums.answered++;
  sums.latency.record(latencyMs);
  sums.promptTokens = addMeasured(sums.promptTokens, promptTokens);
  sums.completionTokens = addMeasured(sums.completionTokens, completionTokens);
}

function reportOf(
  { name, sums, last }: { name: string | null; sums: Sums; last: ServerNumbers | undefined },
  all: { answered: number; elapsedSeconds: number | null },
): ServerReport {
  const { answered, failed, promptTokens, completionTokens, latency } = sums;
  const rateOf = (amount: number | null): number | null =>
    amount === null || !all.elapsedSeconds ? null : amount / all.elapsedSeconds;
  return {
    name,
    answered,
    failed,
    share: all.answered === 0 ? null : answered / all.answered,
    requestRate: rateOf(answered + failed),
    generationRate: rateOf(completionTokens),
    promptTokens,
    completionTokens,
    latencyMs: latency.read(),
    lastSession: last === undefined ? null : sessionOf(last),
  };
}

const sessionOf = ({ failedAttempts, outages, awaySeconds, idleSeconds }: ServerNumbers) => ({
  failedAttempts,
  outages,
  awaySeconds,
  idleSeconds,
});
