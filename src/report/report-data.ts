import type { ErrorKind } from '../core/errors.ts';
import type { ResultSample } from '../core/events.ts';
import type { ResultLine } from '../core/result-line.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { answerText } from '../core/completion.ts';
import { isRecord } from '../data/is-record.ts';
import { asWritten } from '../data/json-as-written.ts';
import { membersOf } from '../data/json-text.ts';
import { type Counts, createResultCounter, sampleOf } from '../core/result-counter.ts';
import { type RetryFacts, type RetryStep, retrySteps } from './failures/retry-steps.ts';
import { type SuccessNumbers, foldSuccesses } from './fold-successes.ts';
import { type ServerReport, foldServers } from './servers/fold-servers.ts';
import { type RateOverTime, createRateOverTime } from './charts/rate-over-time.ts';

/** What the manifest says of the run. A value is null where it does not say. */
export interface RunFacts {
  outputPath: string;
  inputPath: string | null;
  /** State of the run as in the manifest: `running`, `stopped` or `finished`; `unknown` without a manifest. */
  state: string;
  backend: string;
  backendVersion: string | null;
  model: string | null;
  mode: string | null;
  /** Start and end of the run, in ISO 8601. */
  startedAt: string | null;
  endedAt: string | null;
  /** Number of requests of the whole run. */
  total: number | null;
  /** Seconds of work of all sessions together; where null, the time from the first to the last result is taken. */
  elapsedSeconds: number | null;
  /** Seconds beside those in which the run was paused, or gave way to others, with nothing in flight. */
  pausedSeconds: number;
  /** How often the run was started or resumed; null where the manifest does not say. */
  sessions: number | null;
  /** The last snapshot of the run, for what its results do not tell: GPU, engine, retries, trims and load time. */
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

interface FirstAnswer {
  id: string;
  line: number | null;
  /** As it stands in the output. */
  text: string;
  /** The JSON of each member of an answer that was asked for as a JSON object; null for any other answer. */
  members: ReadonlyMap<string, string> | null;
}

/** A whole run as numbers, which the renderers print. A number is null where it was not measured. */
export interface ReportData extends Counts, SuccessNumbers {
  run: RunFacts;
  /** The commands that try again what failed; none where the run is not finished. */
  retry: RetryStep[];
  /** Prompt tokens that the engine took from its cache instead of computing them. */
  tokensSaved: number | null;
  elapsedSeconds: number | null;
  /** Requests per second of work. */
  requestRate: number | null;
  /** Completion tokens per second of work. */
  generationRate: number | null;
  /** Prompt tokens per second of work, without those that the engine says came from its cache. */
  promptRate: number | null;
  rateOverTime: RateOverTime | null;
  /** Each server, where the run had several; null where it had one engine. */
  servers: ServerReport[] | null;
  /** How many requests took how many attempts, by attempts; 0 attempts for lines that never became a request. */
  attempts: { attempts: number; requests: number }[];
  /** The ten slowest requests, the slowest first. */
  slowest: SlowResult[];
  /** The first five answers that have a text. */
  answers: FirstAnswer[];
  /** Answers that passed and failed their schema, and the first ten failures; null where no answer was checked. */
  schema: { passed: number; failed: number; failures: { id: string; line: number | null; message: string }[] } | null;
}

export interface ReportFold {
  /** Adds the line of a request: the one that counts, where the output has several. */
  add(line: ResultLine): void;
  /** `retry`: what the commands that try again what failed are made of; null where the run is not finished. */
  finish(run: RunFacts, retry?: RetryFacts | null): ReportData;
}

/** Creates a fold of result lines into a report; memory does not grow with their number. */
export function foldReport(): ReportFold {
  const counter = createResultCounter();
  const successes = foldSuccesses();
  const rateOverTime = createRateOverTime();
  const servers = foldServers();
  const attempts = new Map<number, number>();
  const slowest: SlowResult[] = [];
  const failures: NonNullable<ReportData['schema']>['failures'] = [];
  const answers: ReportData['answers'] = [];
  const span = { sent: 0, firstAt: Infinity, lastAt: -Infinity };
  let valid = 0;

  return {
    add(line) {
      const sample = sampleOf(line);
      counter.add(sample);
      attempts.set(sample.attempts, (attempts.get(sample.attempts) ?? 0) + 1);
      if (sample.kind === null && line.llmbatch?.parsed !== undefined) valid++;
      if (sample.kind === 'schema-invalid' && failures.length < 10) failures.push(failureOf(line));
      if (sample.attempts === 0) return;
      noteSpan(span, sample);
      rateOverTime.add(sample.endedAt);
      servers.add(sample);
      keepSlowest(slowest, line, sample);
      if (sample.kind !== null) return;
      successes.add(sample);
      if (answers.length < 5) answers.push(...answersIn(line));
    },
    finish(run, retry = null) {
      const counts = counter.counts();
      const rates = reportRates(counts, span, run.elapsedSeconds);
      const invalid = counts.errors.byKind['schema-invalid'] ?? 0;
      return {
        run,
        retry: retry === null ? [] : retrySteps(counts.errors, retry),
        ...counts,
        tokensSaved: counts.tokens.cached,
        ...rates,
        servers: servers.read(run.snapshot, rates.elapsedSeconds),
        ...successes.read(),
        rateOverTime: rateOverTime.read(),
        attempts: [...attempts]
          .toSorted(([a], [b]) => a - b)
          .map(([tries, requests]) => ({ attempts: tries, requests })),
        slowest,
        answers,
        schema: valid + invalid === 0 ? null : { passed: valid, failed: invalid, failures },
      };
    },
  };
}

function answersIn({ response, custom_id: id, llmbatch }: ResultLine): FirstAnswer[] {
  const text = response === null ? '' : answerText(response.body).trim();
  return text === '' ? [] : [{ id, line: llmbatch?.line ?? null, text, members: membersIn(text, llmbatch?.parsed) }];
}

const membersIn = (text: string, parsed: unknown): FirstAnswer['members'] =>
  isRecord(parsed) ? membersOf(asWritten(text, JSON.stringify(parsed))) : null;

const failureOf = (line: ResultLine) => ({
  id: line.custom_id,
  line: line.llmbatch?.line ?? null,
  message: line.error?.message ?? '',
});

interface Span {
  /** Number of requests that were sent. */
  sent: number;
  /** Start of the first request and end of the last, in epoch milliseconds. */
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

function reportRates(
  { tokens }: Counts,
  { sent, firstAt, lastAt }: Span,
  workedSeconds: number | null,
): Pick<ReportData, 'elapsedSeconds' | 'requestRate' | 'generationRate' | 'promptRate'> {
  const elapsedSeconds = workedSeconds ?? (lastAt > firstAt ? (lastAt - firstAt) / 1000 : null);
  const isMeasured = elapsedSeconds !== null && elapsedSeconds > 0 && sent > 0;
  const rateOf = (amount: number | null): number | null =>
    isMeasured && amount !== null ? amount / elapsedSeconds : null;
  const { prompt, completion, cached } = tokens;
  return {
    elapsedSeconds,
    requestRate: rateOf(sent),
    generationRate: rateOf(completion),
    promptRate: rateOf(prompt === null ? null : prompt - (cached ?? 0)),
  };
}
