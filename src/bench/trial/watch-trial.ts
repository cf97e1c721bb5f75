import type { RunEvent } from '../../core/events.ts';
import { watchClient } from '../../machine/own-use.ts';
import { watchSwap } from '../../machine/swap.ts';
import { type TrialSpan, createWindows } from './windows.ts';

export interface TrialWatch {
  onEvent: (event: RunEvent) => void;
  read: () => TrialSpan & { reloads: number; workers: number | null };
  stop: () => void;
}

/** Follows a trial: its results and everything that says something of the machine, folded into windows. */
export function watchTrial(): TrialWatch {
  const windows = createWindows();
  const watching = new AbortController();
  let reloads = 0;
  let outages = 0;
  let workers: number | null = null;
  watchClient((client, atMs) => windows.addMachine({ client }, atMs), watching);
  watchSwap((swapBytes, atMs) => windows.addMachine({ swapBytes }, atMs), watching);
  return {
    onEvent(event) {
      if (event.type === 'result-end') windows.addResult(event.sample);
      if (event.type === 'gpu-sample') windows.addMachine({ gpus: event.gpus }, Date.now());
      if (event.type === 'engine-restart' || event.type === 'model-reload') reloads++;
      if (event.type === 'engine-outage') outages++;
      // A pause is no setting.
      const isSetting = event.type === 'run-start' || event.type === 'workers-change';
      if (isSetting && event.workers !== 0) workers = event.workers;
      if (event.type === 'process-sample') {
        const engine = { cpu_percent: event.cpuPercent, memory_bytes: event.memoryBytes };
        windows.addMachine({ engine }, Date.now());
      }
    },
    // An engine of our own that is away is started again, which is told too.
    read: () => ({ ...windows.read(), reloads: Math.max(reloads, outages), workers }),
    stop: () => watching.abort(),
  };
}
