import { freemem } from 'node:os';
import type { BackendDefinition } from '../core/backend.ts';
import type { Connection } from '../core/connection.ts';
import type {
  BackendDoctor,
  ExaminedEngine,
  ExamineRequest,
  ExaminedServer,
  GpuSearch,
} from '../core/doctor/examination.ts';
import { version } from '../files/version.ts';
import { findGpus } from '../machine/find-gpus.ts';

/** What there is to run a batch with. Null and n/a: not seen, not measured. */
export interface SystemReport {
  /** This llmbatch, and the machine that it runs on. */
  llmbatch: { version: string; node: string; platform: string; architecture: string; freeMemoryBytes: number };
  /** What the user named on the command line; null for what was not named. */
  asked: { model: string | null } & Readonly<Record<string, unknown>>;
  /** Names of the backends that this llmbatch has. */
  engines: string[];
  /** What the backends that probe a server found, before the GPUs were looked at. */
  probed: ExaminedBackend[];
  gpu: GpuSearch;
  /** What the other backends found. */
  others: ExaminedBackend[];
}

/** What a backend found of its engine. */
export interface ExaminedBackend {
  name: string;
  /** How to get the engine where no engine is here; null where it is not advised. */
  install: string | null;
  engine: ExaminedEngine;
}

/** What the user asks of doctor. */
export type SystemRequest = Omit<ExamineRequest, 'otherServers'>;

/** Examines every engine and the GPUs; a probe takes seconds, and is announced by `onNotice`. */
export async function examineSystem(
  backends: readonly BackendDefinition[],
  request: SystemRequest,
): Promise<SystemReport> {
  const doctors = backends.flatMap(({ name, doctor }) => (doctor === undefined ? [] : [{ name, doctor }]));
  const probed = await examineAll(
    doctors.filter(({ doctor }) => doctor.probe !== undefined),
    { ...request, otherServers: [] },
  );
  // After the probes: what they loaded takes memory.
  const [gpu, others] = await Promise.all([
    findGpus(request.environment),
    examineAll(
      doctors.filter(({ doctor }) => doctor.probe === undefined),
      { ...request, otherServers: probed.flatMap(serverOf) },
    ),
  ]);
  return {
    llmbatch: {
      version,
      node: process.versions.node,
      platform: process.platform,
      architecture: process.arch,
      freeMemoryBytes: freemem(),
    },
    asked: { ...askedConnection(backends, request.connection), model: request.model },
    engines: backends.map(({ name }) => name),
    probed,
    gpu,
    others,
  };
}

/** The connection flags of the backends that probe, and what the user gave for them; null for what was not given. */
function askedConnection(backends: readonly BackendDefinition[], connection: Connection): Record<string, unknown> {
  const names = backends.flatMap((one) => (one.doctor?.probe === undefined ? [] : Object.keys(one.connection ?? {})));
  return Object.fromEntries(names.map((name) => [name, connection[name] ?? null]));
}

const examineAll = (
  doctors: readonly { name: string; doctor: BackendDoctor }[],
  request: ExamineRequest,
): Promise<ExaminedBackend[]> =>
  Promise.all(
    doctors.map(async ({ name, doctor }) => ({
      name,
      install: doctor.install ?? null,
      engine: await doctor.examine(request),
    })),
  );

const serverOf = ({ name, engine: { serverUrl } }: ExaminedBackend): ExaminedServer[] =>
  serverUrl === null ? [] : [{ backend: name, url: serverUrl }];
