import type { BackendDefinition } from '../core/backend.ts';
import type { Notify } from '../core/events.ts';
import type { AnswerSettings, RunnerSettings } from '../core/settings.ts';

/** A model whose name fits the glob is run by this backend. */
export interface ModelRoute {
  glob: string;
  backend: string;
}

/** What `llmbatch serve` is started with. */
export interface ServeOptions {
  host: string;
  port: number;
  /** Where files and batches are kept. */
  folder: string;
  /** What clients must send as a bearer token; null: nobody is asked, which only loopback allows. */
  apiKey: string | null;
  /** Limit of one upload, in bytes. */
  maxFileBytes: number;
  /** A bad line fails alone, as in a run, in place of its whole batch, as at OpenAI. */
  isLenient: boolean;
  routes: readonly ModelRoute[];
  /** `-m`, `-b`, `--option`: for every batch. */
  settings: AnswerSettings;
  runner: RunnerSettings;
  backends: readonly BackendDefinition[];
  environment: NodeJS.ProcessEnv;
  notify: Notify;
}
