import type { EngineLoad, FlightSample, GpuSample, ModelMemory } from './measurements.ts';
import type { AttemptTokens, RestTokens, Spent } from './attempt-tokens.ts';
import type { ErrorKind } from './errors.ts';
import type { FailureWords } from './failures/failure-groups.ts';

/** A remark on a successful answer: it is empty, its JSON was taken out of a fence or thinking, or its form was not checked. */
export type AnswerNote = 'empty' | 'unwrapped' | 'unchecked';

/** What the metrics count of a result. Tokens and times, in milliseconds, are those of its last attempt; null: not measured. */
export interface ResultSample extends AttemptTokens {
  /** Kind of the failure; null for a success. */
  kind: ErrorKind | null;
  /** Id and message of a failure; absent for a success. */
  failure?: FailureWords;
  /** Cost of the attempts before the last one; absent where there was only one. */
  retried?: Spent;
  latencyMs: number;
  ttftMs: number | null;
  queueMs: number | null;
  attempts: number;
  note?: AnswerNote;
  /** End of the request, in epoch milliseconds; 0 where the line does not tell it. */
  endedAt: number;
  /** A success that was taken over from another request, and took nothing of the engine. */
  isReused?: true;
  /** Bytes of the request's line in the input; absent for a result of an earlier session. */
  inputBytes?: number;
  /** Name of the server that had it last; absent where the run has only one. */
  server?: string;
}

/** A step against full GPU memory, the mildest first: histories are trimmed, workers are halved, nothing is sent. */
export type VramStep = 'trim' | 'lower' | 'pause';

/** State of one of several servers. up: it takes requests · away: it does not answer · out: it is of no use, and left out. */
export type ServerState = 'up' | 'away' | 'out';

/**
 * An event of a run. The meter folds the events into numbers; nothing else counts. `server`: number of the server that it is
 * of, from 0, where the run has several.
 */
export type RunEvent = WhatHappened & { server?: number };

type WhatHappened =
  | {
      type: 'model-start';
      total: number | null;
      /** Workers at the start. */
      workers: number;
      /** The most workers that there may be: more than at the start where the scheduler finds the number. */
      maxWorkers: number;
      contextTokens: number | null;
      loadMs: number | null;
      /** Bytes of the lines of the input that are still to do; absent while the input is being read. */
      restBytes?: number;
    }
  /** What an engine does before it can answer, in a few words. */
  | { type: 'opening-step'; step: string }
  | { type: 'total-change'; total: number }
  /** So many requests wait for the answer of an identical one, and will not be sent. */
  | { type: 'copies-change'; copies: number }
  | { type: 'request-start' }
  /** `isGivenAway`: nothing failed, another server is to have it. */
  | { type: 'request-retry'; kind: ErrorKind; attempt: number; delayMs: number; isGivenAway?: true }
  /** A result is on disk. Only now does it count as done. */
  | { type: 'result-end'; sample: ResultSample }
  /**
   * An attempt ended, in whatever way: one request fewer is in flight, and its tokens and milliseconds are spent. `rest`: the
   * tokens that no `flight` holds; null where that is all of them, since the engine told nothing before its end.
   */
  | { type: 'request-end'; tokens: AttemptTokens; isAnswered: boolean; latencyMs: number; rest: RestTokens | null }
  /** What came of the requests in flight, about twice a second while there are any. */
  | { type: 'flight'; flight: FlightSample }
  | { type: 'history-trim'; worker: number; reason: string; messages: number }
  /**
   * The number of workers that may send from now on: lowered, raised, 0 while paused, or as before the pause; of all servers,
   * and of the one that it changed for.
   */
  | { type: 'workers-change'; workers: number; ofServer?: number }
  /** The run has several servers, by name, in the order of their numbers. None has started yet. */
  | { type: 'servers'; names: string[] }
  /** One of several servers takes part from now on, with so many workers, and at most so many. `name`: its address, short. */
  | { type: 'server-start'; name: string; workers: number; maxWorkers: number; loadMs: number | null }
  /** `forMs`: it has been so for as long already. */
  | { type: 'server-state'; state: ServerState; reason?: string; forMs?: number }
  /** The user paused the run, or ended the pause. */
  | { type: 'pause'; isPaused: boolean }
  /** The run was told to end: nothing new is sent, and what is in flight may finish. */
  | { type: 'stop' }
  /** Others use the engine, and it is sent nothing new; or it is free of them again. */
  | { type: 'give-way'; isOn: boolean }
  /** GPU memory reached its limit, and a step was taken against it. */
  | { type: 'vram-guard'; did: VramStep }
  | { type: 'engine-restart'; reason: string }
  /** The engine was away and is back. It has loaded its model again. */
  | { type: 'engine-outage' }
  /** The server loaded the model again, between requests. */
  | { type: 'model-reload' }
  | { type: 'model-memory'; memory: ModelMemory }
  /** Null: the engine does not tell it any more. */
  | { type: 'engine-load'; load: EngineLoad | null }
  | { type: 'gpu-sample'; gpus: GpuSample[] }
  | { type: 'process-sample'; cpuPercent: number; memoryBytes: number };

export type Emit = (event: RunEvent) => void;

/** What a notice is about: programs and tests compare this code, never the sentence. */
type NoticeTopic =
  | 'backend'
  | 'bad-lines'
  | 'batch'
  | 'bench'
  | 'cache'
  | 'choice'
  | 'conversation'
  | 'drain'
  | 'engine'
  | 'engine-restart'
  | 'history-trim'
  | 'input'
  | 'kept-aside'
  | 'live'
  | 'long-answer'
  | 'manifest'
  | 'mode'
  | 'out-of-memory'
  | 'outage'
  | 'output'
  | 'prompts'
  | 'rate-limit'
  | 'reuse'
  | 'schema'
  | 'serve'
  | 'stall'
  | 'stopped'
  | 'template'
  | 'vram'
  | 'workers';

/** One sentence for the user, and what it is about. */
export interface Notice {
  readonly topic: NoticeTopic;
  readonly text: string;
  /** A reason or a figure behind a choice, which most users need not see: shown with `--verbose`. */
  readonly isDetail?: true;
}

/** Tells the user something. It is the one way from everywhere in a run to the screen. */
export type Notify = (notice: Notice) => void;
