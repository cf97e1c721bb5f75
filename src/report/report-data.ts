import { addMeasured } from '../core/measurements.ts';
import type { ErrorKind } from '../core/errors.ts';
import type { ResultSample } from '../core/events.ts';
import type { ResultLine } from '../core/result-line.ts';
import { sampleOf } from '../core/sample.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { type Counts, createResultCounter } from '../core/result-counter.ts';
import { type SuccessNumbers, foldSuccesses } from './fold-successes.ts';
import { type RateOverTime, createRateOverTime } from './charts/rate-over-time.ts';

/** What the manifest knows of the run. Null where it does not say. */
export interface RunFacts {
  outputPath: string;
  inputPath: string | null;
  /** The manifest's word: running, finished, interrupted, ... */
  state: string;
  backend: string;
  backendVersion: string | null;
  model: string | null;
  mode: string | null;
  /** ISO 8601. */
  startedAt: string | null;
  endedAt: string | null;
  /** Requests of the whole run. */
  total: number | null;
  /** Seconds of work, all sessions together; null: taken from the first and the last result. */
  elapsedSeconds: number | null;
  /** The last snapshot that was kept: what the results don't tell (GPU, engine, retries, trims, load time). */
  snapshot: Snapshot | null;
}

interface SlowResult {
  id: string;
  line: number | null;
  latencyMs: number;
  promptTokens: number | null;
  completionTokens: number | null;
  error: ErrorKind | null;
}

/** A whole run as numbers; what the renderers get. Null means "not measured". */
export interface ReportData extends Counts, SuccessNumbers {
  run: RunFacts;
  /** Prompt tokens that the engine took from its cache instead of computing them. */
  tokensSaved: number | null;
  elapsedSeconds: number | null;
  /** Requests, and prompt + completion tokens, per second of work. */
  requestRate: number | null;
  tokenRate: number | null;
  rateOverTime: RateOverTime | null;
  /** How many requests took how many attempts; 0 for lines that never became a request. */
  attempts: { attempts: number; requests: number }[];
  /** The slowest first. */
  slowest: SlowResult[];
  /** Answers that were checked against a schema, and the first that failed; null where none was. */
  schema: { passed: number; failed: number; failures: { id: string; line: number | null; message: string }[] } | null;
}

export interface ReportFold {
  /** Adds one request's line: the one that counts, where the file has several. */
  add(line: ResultLine): void;
  finish(run: RunFacts): ReportData;
}

/** Folds result lines into a report; memory does not grow with their number. */
export function foldReport(): ReportFold {
  const counter = createResultCounter();
  const successes = foldSuccesses();
  const rateOverTime = createRateOverTime();
  const attempts = new Map<number, number>();
  const slowest: SlowResult[] = [];
  const failures: NonNullable<ReportData['schema']>['failures'] = [];
  const span = { sent: 0, firstAt: Infinity, lastAt: -Infinity };
  let parsed = 0;

  return {
    add(line) {
      const sample = sampleOf(line);
      counter.add(sample);
      attempts.set(sample.attempts, (attempts.get(sample.attempts) ?? 0) + 1);
      if (sample.kind === null && line.llmbatch?.parsed !== undefined) parsed++;
      if (sample.kind === 'schema-invalid' && failures.length < 10) failures.push(failureOf(line));
      if (sample.attempts === 0) return;
      noteSpan(span, sample);
      rateOverTime.add(sample.endedAt);
      keepSlowest(slowest, line, sample);
      if (sample.kind === null) successes.add(sample);
    },
    finish(run) {
      const counts = counter.counts();
      const invalid = counts.errors.byKind['schema-invalid'] ?? 0;
      return {
        run,
        ...counts,
        tokensSaved: counts.tokens.cached,
        ...ratesOf(counts, span, run.elapsedSeconds),
        ...successes.read(),
        rateOverTime: rateOverTime.read(),
        attempts: [...attempts]
          .toSorted(([a], [b]) => a - b)
          .map(([tries, requests]) => ({ attempts: tries, requests })),
        slowest,
        schema: parsed + invalid === 0 ? null : { passed: parsed, failed: invalid, failures },
      };
    },
  };
}

const failureOf = (line: ResultLine) => ({
  id: line.custom_id,
  line: line.llmbatch?.line ?? null,
  message: line.error?.message ?? '',
});

interface Span {
  /** Results of requests that were sent. */
  sent: number;
  firstAt: number;
  lastAt: number;
}

function noteSpan(span: Span, { endedAt, latencyMs }: ResultSample): void {
  span.sent++;
  if (endedAt <= 0) return;
  span.firstAt = Math.min(span.firstAt, endedAt - latencyMs);
  span.lastAt = Math.max(span.lastAt, endedAt);
}

function keepSlowest(slowest: SlowResult[], line: ResultLine, sample: ResultSample): void {
  const { latencyMs, promptTokens, completionTokens, kind: error } = sample;
  const last = slowest.at(-1);
  if (slowest.length === 10 && last !== undefined && latencyMs <= last.latencyMs) return;
  slowest.push({
    id: line.custom_id,
    line: line.llmbatch?.line ?? null,
    latencyMs,
    promptTokens,
    completionTokens,
    error,
  });
  slowest.sort((a, b) => b.latencyMs - a.latencyMs);
  slowest.splice(10);
}

function ratesOf(
  { tokens }: Counts,
  { sent, firstAt, lastAt }: Span,
  known: number | null,
): Pick<ReportData, 'elapsedSeconds' | 'requestRate' | 'tokenRate'> {
  const elapsedSeconds = known ?? (lastAt > firstAt ? (lastAt - firstAt) / 1000 : null);
  if (elapsedSeconds === null || elapsedSeconds <= 0) return { elapsedSeconds, requestRate: null, tokenRate: null };
  const allTokens = addMeasured(tokens.prompt, tokens.completion);
  return {
    elapsedSeconds,
    requestRate: sent === 0 ? null : sent / elapsedSeconds,
    tokenRate: sent === 0 || allTokens === null ? null : allTokens / elapsedSeconds,
  };
}
