import type { Distribution } from '../data/distribution.ts';
import type { EngineLoad, GpuSample, ModelMemory } from './measurements.ts';
import type { ErrorGroup, ErrorKind } from './errors.ts';
import type { FailureGroup } from './failures/failure-groups.ts';
import type { AnswerNote } from './events.ts';
import { camelKeys, snakeKeys } from '../text/snake-keys.ts';
import { type FlatRates, type Rates, flatRates, ratesOf, unknownRates } from './snapshot/rates.ts';
import { type FlatServer, type ServerNumbers, flatServer, serverOf } from './snapshot/server-numbers.ts';

/**
 * The state of a run as numbers: what the live display draws, the manifest keeps and the reports print.
 * A number is null where it was not measured, and is then shown as n/a.
 */
export interface Snapshot {
  progress: RunProgress;
  rates: Rates;
  tokens: TokenCounts;
  times: RunTimes;
  errors: ErrorCounts;
  machine: MachineState;
  /** Each of the servers, where the run has several; null where it has one engine. */
  servers: ServerNumbers[] | null;
}

/** Requests with a result, by how they ended. */
export interface ResultCounts {
  /** Requests that have a result, succeeded or failed. */
  done: number;
  succeeded: number;
  failed: number;
  /** Successes whose answer an earlier run, or an identical request, had: they were not sent. Absent where there are none. */
  reused?: number;
  /** Successful answers with a remark, by the remark. Absent where there are none. */
  notes?: Partial<Record<AnswerNote, number>>;
}

/** Progress of the run, in requests. */
export interface RunProgress extends ResultCounts {
  /** Requests of the whole run; null while the input is still being read. */
  total: number | null;
  /** Requests that were sent and have not ended. */
  inFlight: number;
  /**
   * The one of them that was sent first: seconds since then, and tokens of its answer so far, which are null where the
   * engine does not tell them. Null where none is in flight.
   */
  oldestInFlight: { ageSeconds: number; tokens: number | null } | null;
  /** Tokens that the answers of all of them have so far; null where the engine does not tell. */
  tokensInFlight: number | null;
  /** Attempts that were repeated after a failure. */
  retries: number;
  workers: WorkerCounts;
  /** The user paused the run. Absent where it goes on. */
  isPaused?: true;
  /** The run was told to end, and sends nothing new. Absent where it was not. */
  isStopping?: true;
  /** Engines that are sent nothing new, since others use them. Absent where there are none. */
  givingWay?: number;
  /** What an engine does before it can answer, in a few words: `loading gemma3 (241 MiB)`. Absent once it is open, or where it does not tell. */
  step?: string;
}

/** Maximum numbers of requests in flight. */
export interface WorkerCounts {
  /**
   * Workers that may send now: fewer than at the start after a lack of memory, and 0 while GPU memory makes them pause.
   */
  current: number;
  /** Workers at the start of the run, or of its newest part where its input names several models. */
  atStart: number;
  /** Upper limit of the run: higher than at the start where the run finds the best number of workers itself. */
  max: number;
}

/** Tokens of all attempts, including those that failed, were cut off, retried or stopped. */
export interface TokenCounts {
  /** Prompt tokens; null where the engine does not count those of each answer, or where no attempt was counted. */
  prompt: number | null;
  /** Completion tokens; null as for `prompt`. */
  completion: number | null;
  /** Attempts without an answer whose tokens nobody counted. Where there are any, the sums are lower limits. */
  uncounted: number;
  /** Tokens of the successful requests alone, in their last attempts. */
  answered: { prompt: number | null; completion: number | null };
  /** Prompt tokens served from the engine's cache; null where the engine does not report them. */
  cached: number | null;
  /** Share of the prompt tokens that came from the cache, 0 to 1, over the results that report it. */
  cacheHitRate: number | null;
}

/** Times of the run. Latencies, times to first token and queue times are those of successful requests. */
export interface RunTimes {
  /** Seconds that this session has measured so far. */
  elapsedSeconds: number;
  /**
   * Those of them in which the run was held: paused, or giving way with all of its engines, with nothing in flight. Rates and the
   * ETA leave them out.
   */
  pausedSeconds: number;
  /** Seconds left, with the range that holds 19 in 20 futures; null before the first wave of answers. */
  eta: { seconds: number; low: number; high: number } | null;
  latencyMs: Distribution | null;
  ttftMs: Distribution | null;
  queueMs: Distribution | null;
  /**
   * Milliseconds that loading the model took, summed over the models of the run. Several servers load one at a time each: of
   * them the longest counts.
   */
  loadMs: number | null;
}

/** Failed requests, by the kind of the error and by the group of the kind; the most frequent first. */
export interface ErrorCounts {
  byKind: Partial<Record<ErrorKind, number>>;
  byGroup: Partial<Record<ErrorGroup, number>>;
  /** Failures that say the same, with their message and up to five ids; at most four messages of a kind. */
  failures: FailureGroup[];
}

/** Measurements of the engine and of the machine that it runs on. */
export interface MachineState {
  /**
   * Tokens in the context window: of the last request, the most of any request, and what fits; and how often a history
   * was trimmed.
   */
  context: { current: number | null; peak: number | null; limit: number | null; trims: number };
  /** The last sample of each GPU. */
  gpus: GpuSample[] | null;
  /** Highest GPU memory seen in use, in bytes, summed over the GPUs. */
  gpuPeakBytes: number | null;
  /** Process of a local engine: CPU use in percent of one core, and resident memory in bytes, now and at its peak. */
  engineProcess: { cpuPercent: number; memoryBytes: number; peakMemoryBytes: number } | null;
  /** Load of an engine that reports it; null also while no request is in flight. */
  engineLoad: EngineLoad | null;
  /** Number of times that the engine was started again after a failure. */
  engineRestarts: number;
  /** Memory that the loaded model takes, as the engine reports it. */
  modelMemory: ModelMemory | null;
  /**
   * How often full GPU memory made the run trim histories, halve its workers, or pause; null where no GPU was measured.
   */
  vramGuard: { trims: number; lowered: number; pauses: number } | null;
}

/**
 * The flat object that a snapshot is outside the program, with its keys in camelCase. Its names are part of the
 * product: `--progress json`, `status --json`, `run --json` and the snapshot in `report --json` print them in
 * snake_case.
 */
interface FlatSnapshot
  extends
    Omit<RunProgress, 'workers'>,
    RunTimes,
    Omit<MachineState, 'engineProcess' | 'gpus'>,
    FlatRates,
    Record<'workers' | 'workersAtStart' | 'mostWorkers', number> {
  tokens: TokenCounts;
  errors: ErrorCounts['byKind'];
  errorGroups: ErrorCounts['byGroup'];
  failures: FailureGroup[];
  engine: MachineState['engineProcess'];
  gpus: FlatGpu[] | null;
  servers: FlatServer[] | null;
}

type FlatGpu = Omit<GpuSample, 'maxClockMhz'> & { mostClockMhz?: GpuSample['maxClockMhz'] };

/** The same sample with the key of one of its fields renamed; a field that is absent stays absent. */
const gpuToWire = ({ maxClockMhz, ...gpu }: GpuSample): FlatGpu =>
  maxClockMhz === undefined ? gpu : { ...gpu, mostClockMhz: maxClockMhz };

const gpuFromWire = ({ mostClockMhz, ...gpu }: FlatGpu): GpuSample =>
  mostClockMhz === undefined ? gpu : { ...gpu, maxClockMhz: mostClockMhz };

/** A snapshot as the one flat object in snake_case that every JSON output and every file holds. */
export function snapshotToWire({ progress, rates, tokens, times, errors, machine, servers }: Snapshot): object {
  const { workers, ...counts } = progress;
  const { engineProcess, gpus, ...state } = machine;
  const flat: FlatSnapshot = {
    ...counts,
    workers: workers.current,
    workersAtStart: workers.atStart,
    mostWorkers: workers.max,
    ...flatRates(rates),
    tokens,
    ...times,
    errors: errors.byKind,
    errorGroups: errors.byGroup,
    failures: errors.failures,
    ...state,
    engine: engineProcess,
    gpus: gpus?.map(gpuToWire) ?? null,
    servers: servers?.map(flatServer) ?? null,
  };
  return snakeKeys(flat) as object;
}

/**
 * The numbers of a snapshot that knows nothing. `workersAtStart` and `mostWorkers` are left out: they default to
 * `workers`.
 */
const unknownNumbers = {
  total: null,
  done: 0,
  succeeded: 0,
  failed: 0,
  inFlight: 0,
  oldestInFlight: null,
  tokensInFlight: null,
  retries: 0,
  workers: 0,
  ...unknownRates,
  tokens: {} as TokenCounts,
  elapsedSeconds: 0,
  pausedSeconds: 0,
  eta: null,
  latencyMs: null,
  ttftMs: null,
  queueMs: null,
  loadMs: null,
  errors: {},
  errorGroups: {},
  failures: [],
  context: { current: null, peak: null, limit: null, trims: 0 },
  gpus: null,
  gpuPeakBytes: null,
  engine: null,
  engineLoad: null,
  engineRestarts: 0,
  modelMemory: null,
  vramGuard: null,
  servers: null,
};

/** Reads a snapshot of a file. Version 1 wrote it in camelCase; what an earlier release did not know is filled in. */
export function snapshotFromWire(kept: object): Snapshot {
  const read = camelKeys(kept) as Partial<FlatSnapshot>;
  const { workers = 0, workersAtStart = workers, mostWorkers = workers } = read;
  const flat: FlatSnapshot = { ...unknownNumbers, ...read, workersAtStart, mostWorkers };
  const { total, inFlight, oldestInFlight, tokensInFlight, retries } = flat;
  const { elapsedSeconds, pausedSeconds, eta, latencyMs, ttftMs, queueMs, loadMs } = flat;
  const { context, gpus, gpuPeakBytes, engine, engineLoad, engineRestarts, modelMemory, vramGuard } = flat;
  return {
    progress: {
      total,
      ...countsOf(flat),
      inFlight,
      oldestInFlight,
      tokensInFlight,
      retries,
      workers: { current: workers, atStart: workersAtStart, max: mostWorkers },
      ...holdsOf(flat),
    },
    rates: ratesOf(flat),
    tokens: completeTokens(flat),
    times: { elapsedSeconds, pausedSeconds, eta, latencyMs, ttftMs, queueMs, loadMs },
    errors: { byKind: flat.errors, byGroup: flat.errorGroups, failures: flat.failures },
    machine: {
      context,
      gpus: gpus?.map(gpuFromWire) ?? null,
      gpuPeakBytes,
      engineProcess: engine,
      engineLoad,
      engineRestarts,
      modelMemory,
      vramGuard,
    },
    servers: flat.servers?.map(serverOf) ?? null,
  };
}

const holdsOf = ({
  isPaused,
  isStopping,
  givingWay,
  step,
}: FlatSnapshot): Pick<RunProgress, 'isPaused' | 'isStopping' | 'givingWay' | 'step'> => ({
  ...(isPaused === true && { isPaused }),
  ...(isStopping === true && { isStopping }),
  ...(givingWay !== undefined && { givingWay }),
  ...(step !== undefined && { step }),
});

const countsOf = ({ done, succeeded, failed, reused, notes }: FlatSnapshot): ResultCounts => ({
  done,
  succeeded,
  failed,
  ...(reused === undefined ? {} : { reused }),
  ...(notes === undefined ? {} : { notes }),
});

/** Fills in what early releases did not know: they counted the tokens of the answers alone. */
function completeTokens({ tokens, failed, retries }: FlatSnapshot): TokenCounts {
  const kept: Partial<TokenCounts> = tokens;
  const { prompt = null, completion = null } = kept;
  const ofAnswers = { uncounted: failed + retries, answered: { prompt, completion } };
  return { prompt, completion, ...ofAnswers, cached: null, cacheHitRate: null, ...kept };
}
