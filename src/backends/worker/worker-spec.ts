import type { ErrorKind } from '../../core/errors.ts';
import type { WorkerStats } from './worker-messages.ts';

/** How a program ended that there is not. */
export const isAbsent = 'is not there';

/** How a worker process is started, and what is to be done with what it says. */
export interface WorkerSpec {
  /** The backend's name, for messages. */
  name: string;
  file: string;
  arguments: string[];
  /** What the worker is opened with, asked for at each start. */
  settings: () => object;
  /** Variables beside those that it inherits. */
  environment?: Record<string, string>;
  /** Its answers come on its stdout, which it keeps to itself; else on its file descriptor 3. */
  answersOnStdout?: boolean;
  /** It leads a group of processes of its own, which ends with it; a terminal's Ctrl-C does not reach it. */
  leadsGroup?: boolean;
  /** What it prints is appended to this file. */
  logFile?: string | null;
  onLog?: (line: string) => void;
  onStats?: (stats: WorkerStats) => void;
  /**
   * What its end means, by what it printed last, with how it ended as the last line. `info` is what it had said of itself, null
   * before it was ready. Null: it crashed.
   */
  explainEnd?: (log: readonly string[], info: unknown) => EndReason | null;
  /** What it means that it ended before it said a word: no such file, or another program. */
  notStarted?: (how: string) => EndReason;
}

/** Why a worker ended. */
export interface EndReason {
  kind: ErrorKind;
  message: string;
  hint?: string;
}
