import type { Readable } from 'node:stream';
import type { BackendDefinition } from '../core/backend.ts';
import type { Emit, Notify } from '../core/events.ts';
import type { AnswerSettings, RunnerSettings } from '../core/settings.ts';
import type { Snapshot } from '../core/snapshot.ts';
import type { Manifest } from '../journal/manifest/manifest.ts';
import type { RetryFailed } from '../journal/open-journal.ts';
import type { RunPaths } from '../journal/manifest/run-paths.ts';

/** What is to be run. */
export interface RunRequest {
  /** A file, or '-' for standard input. */
  input: string;
  /** A resumed run of standard input reads what was kept of it. */
  spool: string | null;
  paths: RunPaths;
  /** `backend` is 'auto' where none was named. */
  settings: AnswerSettings;
  runner: RunnerSettings;
  /** A changed setting, model or input is recorded instead of refused. */
  allowDrift: boolean;
  retryFailed: RetryFailed;
  /** `resume`: results that were there must be there. */
  isResume?: boolean;
  /** Start anew: what an earlier run left at this place is kept aside until this one has ended well. */
  overwrite: boolean;
}

/** What a run needs from outside, and whom it talks to. */
export interface RunHost {
  /** The engines that there are, in the order in which they are offered a model that no `--backend` claims. */
  backends: readonly BackendDefinition[];
  environment: NodeJS.ProcessEnv;
  stdin: Readable;
  /** Result lines, once they are on disk, in completion order; a promise holds the next ones back, until when the
   * lines are valid. */
  onResults: ((lines: Buffer[]) => Promise<void>) | null;
  /** Takes what the user is to be told. */
  notify: Notify;
  /** The run begins: from now on its state can be read. */
  onStart: (snapshot: () => Snapshot) => void;
  /** From now on the output is this run's, and a resume goes on with it: `--overwrite` leaves it to the earlier one until then. */
  onTake?: () => void;
  /** Everything that happens in the run, as its metrics see it. */
  onEvent?: Emit;
  /** False: `resume` and `status` do not find it by themselves. */
  isListed?: boolean;
  /** False: no saved setting of a bench takes the place of `--workers auto`. */
  usesSaved?: boolean;
  /** First Ctrl-C: what is in flight may end. */
  stop: AbortSignal;
  /** Second Ctrl-C: everything ends now. */
  abort: AbortSignal;
}

export interface RunOutcome {
  manifest: Manifest;
  paths: RunPaths;
  snapshot: Snapshot;
}
