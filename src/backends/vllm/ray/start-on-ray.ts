import type { OpenRequest } from '../../../core/backend.ts';
import { givenText } from '../../../core/connection.ts';
import { EngineError, UsageError } from '../../../core/errors.ts';
import { formatCounted } from '../../../text/format.ts';
import { type ReplicaRange, replicasOf } from '../connection.ts';
import { createLoadSum } from '../engine/engine-load.ts';
import { engineSpec, workerEnvironment } from '../engine/engine-spec.ts';
import { pythonCommand } from '../find-python.ts';
import { type StartedEngines, maxInFlight, openReplicas } from '../replicas/open-replicas.ts';
import { type WorkerOrder, lostWithDriver } from './driver-channels.ts';
import { type RayCluster, type RayDriver, describeCluster, noGpuHint, openRayDriver } from './ray-driver.ts';

/** Starts the engines of a run on a Ray cluster, and resolves when the first of them are ready. */
export async function startOnRay(given: Record<string, unknown>, request: OpenRequest): Promise<StartedEngines> {
  const { ray_python: python, ...options } = given;
  if (options['data_parallel_size'] !== undefined)
    throw new UsageError('--option data_parallel_size is for one machine', 'On a cluster, use --replicas.');
  // Its actors would wait for the GPUs that the replica's own actor has.
  if (options['distributed_executor_backend'] === 'ray')
    throw new UsageError(
      '--option distributed_executor_backend=ray is for one engine over several nodes',
      'With --ray each replica is on one node: leave it out.',
    );
  const address = givenText(request.connection, 'ray') ?? 'auto';
  const { command } = pythonCommand(request);
  request.onNotice(`vllm: looking for the Ray cluster at ${address} (${command})`, 'detail');
  const driver = await openRayDriver({ ...request, address, command }, request.signal);
  try {
    const gpus = sizeOf(options);
    const range = replicasOf(request.connection) ?? defaultRange(driver.cluster, gpus);
    checkSize(driver.cluster, gpus);
    request.onNotice(`vllm: ${describeCluster(driver.cluster)}: asking for ${describeRange(range, gpus)}`);
    const order = { gpus, python: typeof python === 'string' ? python : null, variables: variablesOf(request) };
    return await startReplicas(driver, { range, order, options }, request);
  } catch (error) {
    await driver.close();
    throw error;
  }
}

async function startReplicas(
  driver: RayDriver,
  { range, order, options }: { range: ReplicaRange; order: WorkerOrder; options: Record<string, unknown> },
  request: OpenRequest,
): Promise<StartedEngines> {
  const load = createLoadSum(request);
  const waiting = tellOfWaiting(request);
  const specs = Array.from({ length: range.max }, (_, index) =>
    engineSpec(index === 0 ? request : { ...request, onNotice: () => {} }, {
      options,
      onStats: (stats) => load.note(index, stats),
      connect(onLog) {
        load.forget(index);
        return driver.open(order, { logFile: request.logFile, onLog, onPlaced: waiting.end });
      },
    }),
  );
  try {
    const replicas = await openReplicas(specs, {
      min: range.min,
      mayCrash: true,
      refusal: driver.refusal,
      maxInFlight: (info) => Math.max(maxInFlight(info), Math.ceil((request.workers ?? 0) / range.max)),
      stallTimeoutMs: request.stallTimeoutMs,
      signal: request.signal,
      // That of the driver is told once, and not for each of its replicas.
      onRestart: (reason) => void (reason.includes(lostWithDriver) || request.onRestart(reason)),
      onLoss: (reason) =>
        request.onNotice(`vllm: one replica cannot be used any more, and the others continue (${reason})`),
      onCounts: load.noteReplicas,
    });
    const close = async (): Promise<void> => {
      await replicas.close();
      await driver.close();
    };
    return { replicas: { ...replicas, close }, count: range.max, kvPressure: load.kvPressure };
  } finally {
    waiting.end();
  }
}

/** Time in milliseconds after which a user wants to know why nothing begins: an actor starts in one to three seconds. */
const patienceMs = 10_000;

/** Says once that no replica has been started so far. */
function tellOfWaiting({ onNotice }: OpenRequest): { end: () => void } {
  const timer = setTimeout(() => {
    onNotice('vllm: waiting for the first replica: no node has room for it yet, or its node is slow to start it');
  }, patienceMs);
  return { end: () => clearTimeout(timer) };
}

/** GPUs of one replica. */
const sizeOf = (options: Record<string, unknown>): number =>
  Number(options['tensor_parallel_size'] ?? 1) * Number(options['pipeline_parallel_size'] ?? 1);

/** As many as the nodes that are there can hold; the first one that is ready begins. */
function defaultRange({ nodeGpus }: RayCluster, gpus: number): ReplicaRange {
  const max = nodeGpus.reduce((sum, count) => sum + Math.floor(count / gpus), 0);
  if (max > 0 || nodeGpus.some((count) => count > 0)) return { min: 1, max };
  throw new EngineError('unusable', 'No node of the Ray cluster has a GPU.', noGpuHint);
}

/** One model over several nodes is another kind of engine. */
function checkSize({ nodeGpus }: RayCluster, gpus: number): void {
  const largest = Math.max(0, ...nodeGpus);
  if (largest === 0 || gpus <= largest) return;
  throw new UsageError(
    `a replica needs ${formatCounted(gpus, 'GPU')} on one node, and the largest of the cluster has ${largest}`,
    'Use a smaller --option tensor_parallel_size, or a smaller model.',
  );
}

function describeRange({ min, max }: ReplicaRange, gpus: number): string {
  const each = gpus === 1 ? '' : ` of ${gpus} GPUs`;
  const begin = min === 1 ? '' : `, ${min} before the first request`;
  return `${formatCounted(max, 'replica')}${each}${begin}`;
}

/** What the user set for vLLM and the hub of its models goes to the nodes too, as far as they have not set it themselves. */
function variablesOf({ environment }: OpenRequest): WorkerOrder['variables'] {
  const handed = Object.entries(environment).filter(([name]) => /^(VLLM|HF)_/.test(name));
  return { handed: Object.fromEntries(handed) as Record<string, string>, fixed: workerEnvironment };
}
