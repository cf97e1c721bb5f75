import type { Backend } from '../core/backend.ts';
import type { Emit } from '../core/events.ts';
import type { Notify } from '../core/notice.ts';
import { watchGpus } from '../machine/gpu.ts';
import { type Meter, createMeter } from '../metrics/meter.ts';
import { watchProcess } from '../machine/process-use.ts';
import type { GpuMonitor } from '../scheduler/limits/vram-guard.ts';
import { createGpuMonitor } from './gpu-monitor.ts';
import { type RunInput, countWanted } from './read-input.ts';
import type { RunHost } from './run-request.ts';

/** Everything that measures a run while it goes on. */
export interface RunWatch {
  meter: Meter;
  emit: Emit;
  /** Tells the user, also what was told before. */
  notify: Notify;
  /** The engine that is measured from now on. */
  onBackend: (backend: Backend) => void;
  /** Samples of the GPUs that hold the engine's model. */
  gpus: GpuMonitor;
  /** Lets the host show the run, once: from now on its state can be read. */
  show: () => void;
  stop: () => void;
}

export function watchRun(host: RunHost, input: RunInput): RunWatch {
  const meter = observed(createMeter(), host);
  const watching = new AbortController();
  const watched = { backend: null as Backend | null, isShown: false };
  const gpus = createGpuMonitor(meter.add);
  const emit: Emit = (event) => {
    meter.add(event);
    if (event.type === 'model-memory') gpus.setMemory(event.memory);
    if (event.type === 'engine-restart')
      host.notify({ topic: 'engine-restart', text: `the engine is started again: ${event.reason}` });
  };
  return {
    meter,
    emit,
    notify: host.notify,
    onBackend(backend) {
      watched.backend = backend;
      gpus.setEngine(backend);
    },
    gpus,
    show() {
      if (watched.isShown) return;
      watched.isShown = true;
      watchGpus((event) => event.type === 'gpu-sample' && gpus.add(event.gpus), watching);
      watchProcess(() => watched.backend?.supervision?.pid?.() ?? null, emit, watching);
      // Standard input: how many requests there are is known only when it has ended.
      void input.completed.then(
        () => input.isComplete() && emit({ type: 'total-change', total: countWanted(input) }),
        () => undefined,
      );
      host.onStart(meter.snapshot);
    },
    stop: () => watching.abort(),
  };
}

function observed(meter: Meter, { onEvent }: RunHost): Meter {
  if (onEvent === undefined) return meter;
  return {
    ...meter,
    add(event) {
      meter.add(event);
      onEvent(event);
    },
  };
}
