import type { GpuSample } from '../core/measurements.ts';
import type { Backend } from '../core/backend.ts';
import type { Emit } from '../core/events.ts';
import type { Notify } from '../core/notice.ts';
import type { Manifest } from '../journal/manifest/manifest.ts';
import type { Journal } from '../journal/open-journal.ts';
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
  /** From now on this is called with each sample of the GPUs; it takes the place of the one before. */
  onGpuSample: (listener: (gpus: GpuSample[]) => void) => void;
}

/** A run with everything open but the engine. */
export interface OpenRun extends ReadRun {
  journal: Journal;
}
