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
  /** Words of the command line that the next command repeats: what names a server, and the options of a probe. */
  flags: { server: readonly string[]; option: readonly string[] };
  /** Names of the backends whose servers, or whose cluster, the user named; none: all count. */
  named: readonly string[];
  /** Who serves the model that was asked for; null where none was. */
  search: EngineSearch | null;
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
  /** A model of this engine, for an example. */
  exampleModel?: string;
  engine: ExaminedEngine;
}

/** Which engines serve a model. */
interface EngineSearch {
  /** Names of the backends that serve it, in the order of the registry. */
  serving: readonly string[];
  /** Why each other one does not: `ollama has no server at http://...`. */
  reasons: readonly string[];
}

/** A place where a backend is to look for its engine. */
export interface AskedPlace {
  address: BackendAddress;
  /** A short name of the server; null where the backend has only one. */
  name: string | null;
}

/** What the user asks of doctor. */
export interface SystemRequest
  extends
    Pick<ExamineRequest, 'environment' | 'options' | 'wantsProbe' | 'onNotice'>,
    Pick<SystemReport, 'asked' | 'flags' | 'named' | 'search'> {
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
    flags: request.flags,
    named: request.named,
    search: request.search,
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
  { definition: { name, exampleModel }, doctor, request, otherServers }: PlaceContext,
): Promise<ExaminedBackend> {
  const { options, wantsProbe, onNotice } = request;
  const model = request.modelFor(name);
  const engine = await doctor.examine({
    ...address,
    model,
    options,
    // An engine that has not got the model that is asked for loads no other one for it.
    wantsProbe: wantsProbe && (model !== null || request.asked.model === null),
    otherServers,
    onNotice: (text) => onNotice(server === null ? text : `${server}: ${text}`),
  });
  return {
    name,
    install: doctor.install ?? null,
    engine,
    ...(exampleModel && { exampleModel }),
    ...(server !== null && { server }),
  };
}

const serverOf = ({ name, engine: { serverUrl } }: ExaminedBackend): ExaminedServer[] =>
  serverUrl === null ? [] : [{ backend: name, url: serverUrl }];
