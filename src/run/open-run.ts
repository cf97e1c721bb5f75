import type { Backend } from '../core/backend.ts';
import type { Emit } from '../core/events.ts';
import type { Notify } from '../core/notice.ts';
import type { Manifest } from '../journal/manifest/manifest.ts';
import type { Journal } from '../journal/open-journal.ts';
import type { GpuMonitor } from '../scheduler/limits/vram-guard.ts';
import type { BackendCache } from './choose/backend-cache.ts';
import type { RunInput } from './read-input.ts';
import type { RunHost, RunRequest } from './run-request.ts';

/** A run whose input is read. */
export interface ReadRun {
  request: RunRequest;
  host: RunHost;
  input: RunInput;
  manifest: Manifest;
  slot: BackendCache;
  emit: Emit;
  notify: Notify;
  /** The process of a local engine, for its CPU and memory. */
  onBackend: (backend: Backend) => void;
  /** Samples of the GPUs that hold the engine's model. */
  gpus: GpuMonitor;
}

/** A run with everything open but the engine. */
export interface OpenRun extends ReadRun {
  journal: Journal;
}
