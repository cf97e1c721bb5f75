import { freemem } from 'node:os';
import type { BackendDefinition } from '../core/backend.ts';
import type { BackendAddress } from '../core/connection.ts';
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
  /** What the user named on the command line; null for what was not named, a list of servers where several were. */
  asked: { model: string | null } & Readonly<Record<string, unknown>>;
  /** Names of the backends that this llmbatch has. */
  engines: string[];
  /** What the backends that probe a server found, before the GPUs were looked at. */
  probed: ExaminedBackend[];
  gpu: GpuSearch;
  /** What the other backends found. */
  others: ExaminedBackend[];
}

/** What a backend found of its engine, at one of its servers where the user named several. */
export interface ExaminedBackend {
  name: string;
  /** A short name of the server; absent where there is only one. */
  server?: string;
  /** How to get the engine where no engine is here; null where it is not advised. */
  install: string | null;
  engine: ExaminedEngine;
}

/** A place where a backend is to look for its engine. */
export interface AskedPlace {
  address: BackendAddress;
  /** A short name of the server; null where the backend has only one. */
  name: string | null;
}

/** What the user asks of doctor. */
export interface SystemRequest extends Pick<ExamineRequest, 'environment' | 'options' | 'wantsProbe' | 'onNotice'> {
  asked: SystemReport['asked'];
  placesOf: (definition: BackendDefinition) => readonly AskedPlace[];
  /** The model to look for, by the name of the backend; null: the backend is not asked for one. */
  modelFor: (backend: string) => string | null;
}

/** Examines every engine and the GPUs; a probe takes seconds, and is announced by `onNotice`. */
export async function examineSystem(
  backends: readonly BackendDefinition[],
  request: SystemRequest,
): Promise<SystemReport> {
  const probed = await examineAll(backends.filter(hasProbe), request, []);
  // After the probes: what they loaded takes memory.
  const [gpu, others] = await Promise.all([
    findGpus(request.environment),
    examineAll(
      backends.filter((definition) => !hasProbe(definition)),
      request,
      probed.flatMap(serverOf),
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
    asked: request.asked,
    engines: backends.map(({ name }) => name),
    probed,
    gpu,
    others,
  };
}

const hasProbe = ({ doctor }: BackendDefinition): boolean => doctor?.probe !== undefined;

/** Examines all engines at the same time, but the servers of one after the other: two of them may share a machine. */
async function examineAll(
  backends: readonly BackendDefinition[],
  request: SystemRequest,
  otherServers: readonly ExaminedServer[],
): Promise<ExaminedBackend[]> {
  const examined = backends.map(async (definition) => {
    const found: ExaminedBackend[] = [];
    for (const place of definition.doctor === undefined ? [] : request.placesOf(definition))
      found.push(await examineAt(place, { definition, doctor: definition.doctor!, request, otherServers }));
    return found;
  });
  return (await Promise.all(examined)).flat();
}

interface PlaceContext {
  definition: BackendDefinition;
  doctor: BackendDoctor;
  request: SystemRequest;
  otherServers: readonly ExaminedServer[];
}

async function examineAt(
  { address, name: server }: AskedPlace,
  { definition: { name }, doctor, request, otherServers }: PlaceContext,
): Promise<ExaminedBackend> {
  const { options, wantsProbe, onNotice } = request;
  const engine = await doctor.examine({
    ...address,
    model: request.modelFor(name),
    options,
    wantsProbe,
    otherServers,
    onNotice: (text) => onNotice(server === null ? text : `${server}: ${text}`),
  });
  return { name, install: doctor.install ?? null, engine, ...(server !== null && { server }) };
}

const serverOf = ({ name, engine: { serverUrl } }: ExaminedBackend): ExaminedServer[] =>
  serverUrl === null ? [] : [{ backend: name, url: serverUrl }];
