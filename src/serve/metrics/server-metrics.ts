import type { Emit } from '../../core/events.ts';
import { version } from '../../files/version.ts';
import type { BatchQueue } from '../queue/batch-queue.ts';
import type { BatchRecord, BatchStatus } from '../store/batch-record.ts';
import type { BatchStore } from '../store/store.ts';
import { createRunCounters } from './run-counters.ts';
import { type MetricFamily, counter, gauge, labelled, prometheusText } from './text-format.ts';

/** Numbers of a server for Prometheus. */
export interface ServerMetrics {
  /** Takes the events of the runs of all batches. */
  onEvent: Emit;
  /** All numbers as of now, in the text format of Prometheus. */
  text: (sources: MetricSources) => string;
}

/** Where the numbers that rise and fall are read from. */
interface MetricSources {
  queue: Pick<BatchQueue, 'state' | 'snapshotOf'>;
  batches: Pick<BatchStore, 'list'>;
}

/** Collects the numbers of a server. `now` is a clock in milliseconds that never goes back. */
export function createServerMetrics({ now = () => performance.now() } = {}): ServerMetrics {
  const counters = createRunCounters(now);
  return {
    onEvent: counters.onEvent,
    text: (sources) => prometheusText([...counters.families(), ...queueFamilies(sources), ...processFamilies()]),
  };
}

function queueFamilies({ queue, batches }: MetricSources): MetricFamily[] {
  const { running, modelLoads, paused } = queue.state();
  const all = batches.list();
  const inFlight = running === null ? 0 : (queue.snapshotOf(running)?.progress.inFlight ?? 0);
  const unfinished = all.reduce((sum, batch) => sum + countUnfinished(batch, queue), 0);
  return [
    gauge(
      'llmbatch_requests',
      'Requests of unfinished batches: in flight, or waiting to be sent.',
      labelled('state', { in_flight: inFlight, waiting: Math.max(0, unfinished - inFlight) }),
    ),
    gauge('llmbatch_batches', 'Batches on the server, by status.', labelled('status', countStatuses(all))),
    counter('llmbatch_model_loads_total', 'How often a model was loaded for a batch.', [{ value: modelLoads }]),
    gauge('llmbatch_paused', '1 while all batches are paused, else 0.', [{ value: Number(paused !== null) }]),
  ];
}

/** Requests of a batch that are still to get a result: none where it was cancelled, or is over. */
function countUnfinished({ id, status, counts }: BatchRecord, queue: MetricSources['queue']): number {
  if (status !== 'in_progress') return 0;
  const progress = queue.snapshotOf(id)?.progress;
  return (progress?.total ?? counts.total) - (progress?.done ?? counts.completed + counts.failed);
}

function countStatuses(batches: readonly BatchRecord[]): Record<BatchStatus, number> {
  const counts: Record<BatchStatus, number> = {
    validating: 0,
    failed: 0,
    in_progress: 0,
    finalizing: 0,
    completed: 0,
    expired: 0,
    cancelling: 0,
    cancelled: 0,
  };
  for (const { status } of batches) counts[status]++;
  return counts;
}

function processFamilies(): MetricFamily[] {
  const { user, system } = process.cpuUsage();
  return [
    gauge('llmbatch_build_info', 'The version that runs, as a label.', [{ labels: { version }, value: 1 }]),
    gauge(
      'process_resident_memory_bytes',
      'Resident memory of the server, without an engine that is a process of its own.',
      [{ value: process.memoryUsage.rss() }],
    ),
    counter('process_cpu_seconds_total', 'CPU time of the server.', [{ value: (user + system) / 1_000_000 }]),
    gauge('process_start_time_seconds', 'When the server was started, in seconds since 1970.', [
      { value: performance.timeOrigin / 1000 },
    ]),
  ];
}
