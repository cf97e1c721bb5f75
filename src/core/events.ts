import type { EngineLoad, GpuSample, ModelMemory } from './measurements.ts';
import type { AttemptTokens, Spent } from './attempt-tokens.ts';
import type { ErrorKind } from './errors.ts';

export type AnswerNote = 'empty' | 'unwrapped' | 'unchecked';

/** What a result means to the metrics, tokens and times those of its last attempt. Milliseconds, null where not measured. */
export interface ResultSample extends AttemptTokens {
  kind: ErrorKind | null;
  /** What the attempts before it cost. */
  retried?: Spent;
  latencyMs: number;
  ttftMs: number | null;
  queueMs: number | null;
  attempts: number;
  /** The answer says nothing (allowed), its JSON was taken out of something, or its form was not checked. Absent: neither. */
  note?: AnswerNote;
  /** Epoch ms of the end of the request. */
  endedAt: number;
}

/** What is done about full GPU memory, the first step first: histories trimmed, workers halved, nothing sent. */
export type VramStep = 'trim' | 'lower' | 'pause';

/** All that happens in a run. The meter folds it; nothing else keeps counts. */
export type RunEvent =
  | {
      type: 'run-start';
      total: number | null;
      /** Workers at first, and how many there may be: more where the scheduler finds the number. */
      workers: number;
      maxWorkers: number;
      contextTokens: number | null;
      loadMs: number | null;
    }
  | { type: 'total-change'; total: number }
  | { type: 'request-start' }
  | { type: 'request-retry'; kind: ErrorKind; attempt: number; delayMs: number }
  /** The result is on disk: only now does it count as done. */
  | { type: 'result-end'; sample: ResultSample }
  /** An attempt ended, whatever its fate: one request fewer in flight, and these tokens spent. */
  | { type: 'request-end'; tokens: AttemptTokens; isAnswered: boolean }
  | { type: 'history-trim'; worker: number; reason: string; messages: number }
  /** Workers that may send from now on: lowered, found, 0 while paused, or as before the pause. */
  | { type: 'workers-change'; workers: number }
  /** GPU memory reached its limit, and this was done about it. */
  | { type: 'vram-guard'; did: VramStep }
  | { type: 'engine-restart'; reason: string }
  /** It was away, and is back: whatever it had loaded, it loaded again. */
  | { type: 'engine-outage' }
  /** A server loaded the model anew, between requests. */
  | { type: 'model-reload' }
  | { type: 'model-memory'; memory: ModelMemory }
  | { type: 'engine-load'; load: EngineLoad }
  | { type: 'gpu-sample'; gpus: GpuSample[] }
  | { type: 'process-sample'; cpuPercent: number; memoryBytes: number };

export type Emit = (event: RunEvent) => void;
