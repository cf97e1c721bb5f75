import type { Readable } from 'node:stream';
import type { BackendDefinition } from '../core/backend.ts';
import type { Emit, Notify } from '../core/events.ts';
import type { AnswerSettings, RunnerSettings } from '../core/settings.ts';
import type { Shard } from '../data/shard.ts';
import type { Snapshot } from '../core/snapshot.ts';
import type { Manifest } from '../journal/manifest/manifest.ts';
import type { RetryFailed } from '../journal/open-journal.ts';
import type { RunPaths } from '../journal/manifest/run-paths.ts';
import type { GivenFlag } from '../text/command-line.ts';
import type { RunControl } from './live/run-control.ts';

/** One input to be run, with its settings. */
export interface RunRequest {
  /** A file, or '-' for standard input. */
  input: string;
  /** The file in which a resumed run of standard input finds what was kept of it; null: the input itself is read. */
  spool: string | null;
  paths: RunPaths;
  /** `backend` is 'auto' where none was named. */
  settings: AnswerSettings;
  runner: RunnerSettings;
  /** The part of the input that the run answers; absent or null: all of it. */
  shard?: Shard | null;
  /** Absolute path of an earlier output: only what failed there is answered; absent or null: all of the input. */
  failedOf?: string | null;
  /** A changed setting, model or input is recorded instead of refused. */
  allowDrift: boolean;
  retryFailed: RetryFailed;
  /** `resume`: results that were there must be there. */
  isResume?: boolean;
  /** Start anew: what an earlier run left at this place is kept aside until this one has ended well. */
  overwrite: boolean;
  /** The flags of the command line, for messages that propose another command. */
  given?: readonly GivenFlag[];
}

/** The surroundings of a run: where it reads from, and whom it talks to. */
export interface RunHost {
  /** The engines that there are, in the order in which they are offered a model that no `--backend` claims. */
  backends: readonly BackendDefinition[];
  environment: NodeJS.ProcessEnv;
  stdin: Readable;
  /**
   * Takes result lines once they are on disk, in completion order. The next ones wait for its promise, and the buffers
   * are valid until then.
   */
  onResults: ((lines: Buffer[]) => Promise<void>) | null;
  /** Takes what the user is to be told. */
  notify: Notify;
  /** Called once, when the run begins: from now on its numbers can be read. */
  onStart: (snapshot: () => Snapshot) => void;
  /** Takes what pauses and changes the run, once, before anything is sent. */
  onControl?: (control: RunControl) => void;
  /**
   * Called when the output becomes this run's, so that a resume goes on with it: until then `--overwrite` leaves it to
   * the earlier run.
   */
  onTake?: () => void;
  /** Takes everything that happens in the run, as its metrics see it. */
  onEvent?: Emit;
  /** False keeps `resume` and `status` from finding the run by themselves. */
  isListed?: boolean;
  /** False keeps saved settings of a bench from taking the place of `--workers auto`. */
  usesSaved?: boolean;
  /** The run is a measurement of all its servers: it begins when all are open, and fails where one can't be opened. */
  needsAllServers?: boolean;
  /** Aborted at the first Ctrl-C: what is in flight may end. */
  stop: AbortSignal;
  /** Aborted at the second Ctrl-C: everything ends now. */
  abort: AbortSignal;
}

export interface RunOutcome {
  manifest: Manifest;
  paths: RunPaths;
  snapshot: Snapshot;
  /** The run was finished before, and no request of it was to be tried again: nothing was done. */
  isUntouched: boolean;
}
