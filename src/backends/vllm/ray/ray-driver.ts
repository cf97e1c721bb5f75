import { join } from 'node:path';
import type { OpenRequest } from '../../../core/backend.ts';
import { EngineError, messageOf } from '../../../core/errors.ts';
import { formatCounted } from '../../../text/format.ts';
import { raceAbort } from '../../../async/abort.ts';
import { type EndReason, type WorkerChannel, isAbsent } from '../../subprocess/protocol.ts';
import { startChild } from '../../subprocess/start-child.ts';
import { type WorkerConnection, connectWorker } from '../../subprocess/worker-connection.ts';
import { pythonFolder } from '../engine/engine-spec.ts';
import {
  type ChannelListeners,
  type DriverChannels,
  type WorkerOrder,
  createDriverChannels,
} from './driver-channels.ts';

/** What the driver tells of the cluster when it has found it. */
export interface RayCluster {
  /** Version of Ray, of the driver as of the cluster. */
  version: string;
  /** GPUs of each node that is alive. */
  nodeGpus: number[];
  freeGpus: number;
}

/** `Ray 2.60.0, 2 nodes, 2 of 2 GPUs free` */
export const describeCluster = ({ version, nodeGpus, freeGpus }: RayCluster): string => {
  const gpus = nodeGpus.reduce((sum, count) => sum + count, 0);
  return `Ray ${version}, ${formatCounted(nodeGpus.length, 'node')}, ${freeGpus} of ${formatCounted(gpus, 'GPU')} free`;
};

/** What to do where no node has a GPU. A node says what it has when it is started: one that runs can't be changed. */
export const noGpuHint =
  'If the nodes compute on their CPU, start them again with a GPU in name: ray stop; ray start --head --num-gpus=1. If the cluster adds nodes on demand, use --replicas n.';

/** The way to a cluster: one Python process on a node of it, which is started again when it dies. */
export interface RayDriver {
  readonly cluster: RayCluster;
  /** Starts a worker in the cluster, which waits there until it has room. */
  open: (order: WorkerOrder, listeners: ChannelListeners) => WorkerChannel;
  /** Why no worker can be started any more: a driver that was started again finds no cluster. Null while one can. */
  refusal: () => EngineError | null;
  close: () => Promise<void>;
}

export interface RayPlace extends Pick<OpenRequest, 'environment' | 'logFile' | 'onRestart'> {
  /** `auto`, or `host:port` of the cluster's head. */
  address: string;
  /** The Python that has Ray. */
  command: string;
}

/** Connects to a cluster. Throws an `EngineError` where there is none, or none that can be used. */
export async function openRayDriver(place: RayPlace, signal: AbortSignal): Promise<RayDriver> {
  let session = startSession(place);
  const cluster = await raceAbort(session.connection.ready, signal).catch(async (error: unknown) => {
    await session.connection.kill('was not wanted any more');
    throw error;
  });
  let refusal: EngineError | null = null;
  const noteRefusal = (error: unknown): void => {
    if (error instanceof EngineError && error.kind !== 'engine-crashed')
      refusal = new EngineError(error.kind, `The run has lost its Ray cluster. ${error.message}`);
  };
  return {
    cluster,
    open(order, listeners) {
      const lost = session.end();
      if (lost !== null) {
        session = startSession(place);
        session.connection.ready.then(() => place.onRestart(lost.message.split('\n', 1)[0] ?? ''), noteRefusal);
      }
      return session.channels.open(order, listeners);
    },
    refusal: () => refusal,
    close: () => session.connection.close(),
  };
}

/** One process of the driver, from its start to its end. */
interface Session {
  connection: WorkerConnection<RayCluster>;
  channels: DriverChannels;
  /** Why it has ended; null while it has not. */
  end: () => EndReason | null;
}

function startSession({ address, command, environment, logFile }: RayPlace): Session {
  const child = startChild({
    file: command,
    arguments: [join(pythonFolder, 'ray_driver.py')],
    environment: { ...environment, PYTHONUNBUFFERED: '1', LLMBATCH_RUNNER_PID: String(process.pid) },
    answersOnStdout: true,
    leadsGroup: true,
    logFile,
  });
  let end: EndReason | null = null;
  const channels = createDriverChannels(child, () => refusal);
  const connection = connectWorker<RayCluster>(
    {
      name: 'Ray driver',
      connect: () => channels.own,
      settings: () => ({ address }),
      hasLogFile: logFile !== null,
      notStarted: (how) => ({
        kind: 'unusable',
        message:
          how === isAbsent
            ? `There is no Python ${command}.`
            : `${command} could not be started as a Python: it ${how}.`,
        hint: 'Name one that has Ray with --python (or LLMBATCH_PYTHON).',
      }),
    },
    (reason) => void (end = reason),
  );
  let refusal: string | null = null;
  connection.ready.catch((error: unknown) => void (refusal = messageOf(error)));
  return { connection, channels, end: () => end };
}
