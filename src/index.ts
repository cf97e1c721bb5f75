import { Readable } from 'node:stream';
import { backends as allBackends } from './backends/index.ts';
import type { BackendDefinition } from './core/backend.ts';
import { type ResultLine, parseResultLine } from './core/result-line.ts';
import {
  type AnswerSettings,
  type RunnerSettings,
  defaultAnswerSettings,
  defaultRunnerSettings,
} from './core/settings.ts';
import type { Snapshot } from './core/snapshot.ts';
import type { RetryFailed } from './journal/open-journal.ts';
import { readBestResults } from './journal/read-best-results.ts';
import { outputPathFor, pathsOf } from './journal/manifest/run-paths.ts';
import { createBackendCache } from './run/choose/backend-cache.ts';
import { checkConnections } from './run/choose/choose-backend.ts';
import type { RunHost, RunRequest } from './run/run-request.ts';
import { startRun } from './run/start-run.ts';

export { backends } from './backends/index.ts';
export { failure, responseBody } from './core/completion.ts';
export type { Answer } from './core/completion.ts';
export { givenText } from './core/connection.ts';
export type { ConnectionFlag } from './core/connection.ts';
export type { Backend, BackendDefinition, GenerateContext, OpenRequest } from './core/backend.ts';
export type { ExaminedEngine, ExamineRequest } from './core/doctor/examination.ts';
export { textOf } from './core/request.ts';
export type { BatchRequest } from './core/request.ts';
export { EngineError, JournalError, LlmbatchError, UsageError } from './core/errors.ts';
export type { ErrorKind } from './core/errors.ts';
export type { ResultDetails, ResultLine } from './core/result-line.ts';
export type { AnswerSettings, RunnerSettings } from './core/settings.ts';
export type { Snapshot } from './core/snapshot.ts';

export interface BatchOptions {
  /** A JSONL or CSV file. */
  input: string;
  /** Default: `<input>.results.jsonl` beside the input, of a shard `<input>.results.2-of-3.jsonl`. */
  output?: string;
  /** Only a part of the input, `index` of `count` from 1, as `--shard` of `llmbatch run` takes it. */
  shard?: { index: number; count: number };
  /** Model, mode, sampling and so on: as the flags of `llmbatch run`, with the same defaults. */
  settings?: Partial<AnswerSettings>;
  /** Workers, retries, timeouts: likewise. */
  runner?: Partial<RunnerSettings>;
  /** The engines that there are. Default: `backends`, those that come with the package. */
  backends?: readonly BackendDefinition[];
  /** Start anew, in place of an earlier run. */
  overwrite?: boolean;
  /** Go on though a setting, the model or the input changed. */
  allowDrift?: boolean;
  retryFailed?: RetryFailed;
  /** Each result once it is on disk, in completion order. */
  onResult?: (line: ResultLine) => void;
  /** Sentences for a user: what was chosen, what was found. */
  onNote?: (text: string) => void;
  /** Called once, with a function that reads the numbers of the run as of now. */
  onStart?: (snapshot: () => Snapshot) => void;
  /** Stops the run: what is in flight may finish, the rest is left to the next call. */
  signal?: AbortSignal;
}

export interface BatchOutcome {
  /** finished: every request has a result · stopped: by the signal; the same call goes on. */
  state: 'finished' | 'stopped';
  output: string;
  snapshot: Snapshot;
}

/**
 * Runs a file of requests through an engine, or goes on with it where an earlier call, or `llmbatch run`, stopped.
 * Rejects with an `LlmbatchError` when it can't go on; what was acknowledged is on disk then all the same.
 */
export async function runBatch(options: BatchOptions): Promise<BatchOutcome> {
  const { backends = allBackends, runner } = options;
  checkConnections(backends, runner?.connections ?? []);
  const cache = createBackendCache();
  try {
    const { manifest, paths, snapshot } = await startRun(requestOf(options), hostOf(options), cache);
    return { state: manifest.state === 'finished' ? 'finished' : 'stopped', output: paths.output, snapshot };
  } finally {
    await cache.close();
  }
}

function requestOf({ input, shard, settings, runner, ...options }: BatchOptions): RunRequest {
  const { output = outputPathFor(input, shard) } = options;
  return {
    input,
    spool: null,
    paths: pathsOf(output),
    settings: { ...defaultAnswerSettings, ...settings },
    runner: { ...defaultRunnerSettings, ...runner },
    shard: shard ?? null,
    allowDrift: options.allowDrift ?? false,
    retryFailed: options.retryFailed ?? 'transient',
    overwrite: options.overwrite ?? false,
  };
}

function hostOf({ backends = allBackends, onResult, onNote, onStart, signal }: BatchOptions): RunHost {
  const never = new AbortController().signal;
  return {
    backends,
    environment: process.env,
    stdin: Readable.from([]),
    onResults: onResult === undefined ? null : async (lines) => handOn(lines, onResult),
    notify: ({ text }) => onNote?.(text),
    onStart: onStart ?? ignore,
    stop: signal ?? never,
    abort: never,
  };
}

const ignore = (): void => undefined;

/** The results of an output: one a request, the last success where there are several. */
export async function* readResults(output: string): AsyncGenerator<ResultLine> {
  for await (const bytes of readBestResults([output])) {
    const line = parseResultLine(bytes.toString('utf8'));
    if (line !== null) yield line;
  }
}

/**
 * The text of an answer: of a chat the content of its message, of a completion its text, and of several choices (`n`) those of
 * the first one. Null for a failed request, for embeddings, and for a chat answer that has only tool calls. The JSON of an answer
 * is `line.llmbatch.parsed`.
 */
export function answerOf(line: ResultLine): string | null {
  if (line.error !== null) return null;
  const choice = line.response?.body.choices?.[0];
  return choice?.message?.content ?? choice?.text ?? null;
}

function handOn(lines: readonly Buffer[], onResult: (line: ResultLine) => void): void {
  for (const bytes of lines) {
    const line = parseResultLine(bytes.toString('utf8'));
    if (line !== null) onResult(line);
  }
}
