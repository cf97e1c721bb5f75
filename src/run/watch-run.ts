import type { GpuSample } from '../core/measurements.ts';
import type { Backend } from '../core/backend.ts';
import type { Emit, RunEvent } from '../core/events.ts';
import type { Notify } from '../core/notice.ts';
import { watchGpus } from '../machine/gpu.ts';
import { type Meter, createMeter } from '../metrics/meter.ts';
import { watchProcess } from '../machine/process-use.ts';
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
  /** From now on this is called with each sample of the GPUs; it takes the place of the one before. */
  onGpuSample: (listener: (gpus: GpuSample[]) => void) => void;
  /** Lets the host show the run, once: from now on its state can be read. */
  show: () => void;
  stop: () => void;
}

export function watchRun(host: RunHost, input: RunInput): RunWatch {
  const meter = observed(createMeter(), host);
  const watching = new AbortController();
  const watched = {
    backend: null as Backend | null,
    onGpuSample: (_gpus: GpuSample[]): void => {},
    isShown: false,
  };
  /** The engine is elsewhere: these are not its GPUs. */
  const isForeign = ({ type }: RunEvent): boolean =>
    type === 'gpu-sample' && watched.backend?.info.usesLocalGpus === false;
  const emit = (event: RunEvent): void => {
    if (isForeign(event)) return;
    meter.add(event);
    if (event.type === 'engine-restart')
      host.notify({ topic: 'engine-restart', text: `the engine is started again: ${event.reason}` });
    // A model that lies all in the machine's memory has no part in what the GPUs hold.
    if (event.type === 'gpu-sample' && meter.snapshot().machine.modelMemory?.vramBytes !== 0)
      watched.onGpuSample(event.gpus);
  };
  return {
    meter,
    emit,
    notify: host.notify,
    onBackend(backend) {
      watched.backend = backend;
    },
    onGpuSample(listener) {
      watched.onGpuSample = listener;
    },
    show() {
      if (watched.isShown) return;
      watched.isShown = true;
      watchGpus(emit, watching);
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
