import type { BackendAddress } from '../connection.ts';
import type { Finding } from './finding.ts';

/** What `llmbatch doctor` does about an engine. */
export interface BackendDoctor {
  /** How to get the engine, for a machine that has none: `npm install node-llama-cpp`. Absent: it is not advised there. */
  readonly install?: string;
  /**
   * Help for an examination that sends requests to a model of the engine. Such an engine is examined before the others, so
   * that the GPUs are seen with what it loaded, and doctor takes its connection flags. Absent: no model is asked.
   */
  readonly probe?: ProbeHelp;
  /** Looks for the engine, and probes it. Throws a `UsageError` for a flag or an option that can't be used. */
  examine(request: ExamineRequest): Promise<ExaminedEngine>;
}

/** What the help of `llmbatch doctor` says of a probe. */
interface ProbeHelp {
  /** A sentence that says what the probe does. */
  readonly description: string;
  /** What `--option` is to the probe. */
  readonly option: string;
}

/** What a backend is asked to examine. */
export interface ExamineRequest extends BackendAddress {
  /** `-m`: the model to probe with; null: the backend chooses one. */
  model: string | null;
  /** `--option key=value` of the probe, already checked by `optionsSchema`. */
  options: Record<string, unknown>;
  /** False with `--no-probe`: no request is sent to a model. */
  wantsProbe: boolean;
  /** Servers that other backends found, and that this one leaves alone. */
  otherServers: readonly ExaminedServer[];
  /** One line for the user: what the probe is doing. */
  onNotice: (text: string) => void;
}

/** A server that a backend looked for, whether it answers or not. */
export interface ExaminedServer {
  /** The name of the backend whose server it is. */
  backend: string;
  url: string;
}

/** What a backend found of its engine, before anyone looked at the GPUs. */
export interface ExaminedEngine {
  /** Could a run use the engine now? */
  isUsable: boolean;
  /** Where its server was looked for; null for an engine without one. */
  serverUrl: string | null;
  /** Models that a run could use now, the one to begin with first; absent where the engine can't list any. */
  models?: readonly ReadyModel[];
  /**
   * The engine's part of the `--json` object: one key of the engine's own, which no other engine has, as it stands beside
   * theirs (`{ ollama: ... }`). Keys within it are in camelCase; null where nothing was seen or measured.
   */
  json: Readonly<Record<string, unknown>>;
  /** Says what was found, with what the machine has. */
  report(machine: Machine): EngineReport;
}

/** A model that an engine has. */
export interface ReadyModel {
  name: string;
  /** Flags that a run needs to reach it, beside those that doctor was given: `['--base-url', 'http://127.0.0.1:8080/v1']`. */
  flags: readonly string[];
}

/** The machine that doctor runs on, after the probes. */
export interface Machine {
  platform: string;
  freeMemoryBytes: number;
  gpu: GpuSearch;
}

/** The GPUs of a machine, as one look showed them. */
export interface GpuSearch {
  gpus: Gpu[];
  /** What the driver's tool said instead; null where it listed GPUs, or is not there. */
  failure: string | null;
}

/** A GPU and its memory, in bytes; null where the driver does not say. */
export interface Gpu {
  name: string;
  driver: string;
  totalBytes: number | null;
  usedBytes: number | null;
  freeBytes: number | null;
}

/** What doctor says of one engine. */
export interface EngineReport {
  /** Rows of the table: a label, or an empty one for what belongs to the row before, and a text. */
  rows: ReportRow[];
  findings: Finding[];
  /** Lines that say how the settings of the findings are set. */
  howToSet: string[];
}

/** A row of doctor's table. */
export type ReportRow = [label: string, text: string];
