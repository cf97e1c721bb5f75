import type { EngineLoad, ModelMemory } from './measurements.ts';
import type { ZodType } from 'zod';
import type { Answer, Failure } from './completion.ts';
import type { BackendDoctor } from './doctor/examination.ts';
import type { JsonSchema } from './json-schema.ts';
import type { BackendAddress, ConnectionFlag } from './connection.ts';
import type { BatchRequest, Endpoint } from './request.ts';

/** What the scheduler hands a backend with each request. */
export interface GenerateContext {
  /** Aborted when the run stops or the request times out: reject with `signal.reason`, and free what the request held. */
  signal: AbortSignal;
  /** Call once, when the first token of the answer is there. */
  onFirstToken: () => void;
  /**
   * Call for each token of the answer that comes, or for each piece where the engine does not say how many tokens are in it:
   * what an attempt that breaks off or is aborted cost at least, and what the live rates are made of. `count`: so many at
   * once, default 1. An engine whose answers come whole never calls it.
   */
  onToken?: (count?: number) => void;
  /**
   * Call when the engine has read a part of the prompt: the tokens that it computed, and those that it had in its cache,
   * since the last call. An engine that tells them only with the whole answer never calls it.
   */
  onPrompt?: (computed: number, cached: number) => void;
  /** Call at any sign of life for this request: it waits in no queue, and the engine is no silent one. */
  onActivity: () => void;
  /** The worker (0-based) that asks. A worker has one request in flight, so a conversation stays on one worker. */
  worker: number;
  /** The request may bring down whatever answers it: see `BackendLimits.isolates`. */
  isAlone?: boolean;
}

/**
 * Where the engine was when a request failed. here: it took requests all the time · partly: one of its processes is no more,
 * with what that one had, and others took requests all the time · away: for a time it did not, and what it had it may still
 * answer · gone: whoever had the requests in flight is no more.
 */
export type EngineAbsence = 'here' | 'partly' | 'away' | 'gone';

/**
 * An engine with one model loaded. It answers **one** request; how many run at once, retries, order, history and
 * timeouts are the scheduler's. A backend prints nothing, retries nothing and counts nothing.
 */
export interface Backend {
  readonly info: BackendInfo;
  readonly limits: BackendLimits;
  /**
   * Answers one request. A failure is a value. An `EngineError` of a kind that fails one request (`bad-request`,
   * `context-too-long`, `control-token`), such as `checkKeys` and `refuse` throw, becomes this request's failure too; one of any
   * other kind ends the run. An abort rejects. Anything else thrown is a bug, and fails the request.
   */
  generate(request: BatchRequest, context: GenerateContext): Promise<Answer>;
  /** Frees the model and ends every process. Called once, also after a failure. */
  close(): Promise<void>;
  /** How the engine is watched, restarted and ended; absent for an engine that cannot fail by itself. */
  readonly supervision?: Supervision;
  /** What the engine tells beside its answers; absent for an engine that tells nothing. */
  readonly inspection?: Inspection;
  /**
   * Can the loaded engine serve this request of a queue too? A new engine is opened where it can't. Absent: it can serve
   * every request for the model that it was opened with.
   */
  canServe?(request: OpenRequest): boolean | Promise<boolean>;
}

/** What identifies a loaded engine and its model. */
export interface BackendInfo {
  /** The model's name, as recorded with each result. */
  readonly model: string;
  /** What identifies the model's weights (a digest, or size and time of the file); a resume refuses another one. */
  readonly modelDigest: string | null;
  /** Engine and version, for the manifest. */
  readonly version: string;
  /** The form of the engine that was chosen among several, which a resume is opened with; null or absent: there was no choice. */
  readonly form?: string | null;
  /** What it computes on, in a word: `CPU`, `CUDA`; absent where the engine does not say. */
  readonly device?: string;
  /** How long loading took, in milliseconds; null where nothing was loaded. */
  readonly loadMs: number | null;
  /** Address of the server that answers; absent for an engine of our own. */
  readonly server?: string;
  /** False: what the GPUs of this machine hold has nothing to do with this engine. Absent: it may. */
  readonly usesLocalGpus?: boolean;
  /**
   * Lists the keywords of a JSON schema that the engine does not hold an answer to (`pattern`, `format: uuid`): only the
   * check of the whole answer knows of them. Absent: it isn't known.
   */
  readonly unheldKeywords?: (schema: JsonSchema) => readonly string[];
}

/** What a scheduler can do about an engine that is silent, away or to be ended. */
export interface Supervision {
  /** Process of a local engine, for CPU and memory; null while there is none. */
  pid?(): number | null;
  /** Nothing came from the engine for too long: end what hangs, so that the next request starts afresh. */
  restart?(): Promise<void>;
  /** Is a process of the engine being started again? Then its silence says nothing. */
  isStarting?(): boolean;
  /**
   * A request failed in a way that may be the engine's own trouble: waits until the engine takes requests again, model
   * loaded, and says where it was meanwhile. Rejects with the signal's reason, or with an `EngineError` when waiting is
   * hopeless. Called for one failure at a time.
   */
  recover?(failure: Failure, signal: AbortSignal): Promise<EngineAbsence>;
  /**
   * Nothing came for a while, with requests in flight: asks the engine one short question. idle: it says that it works on
   * nothing at all. A failure: it takes no requests now. Rejects with the signal's reason.
   */
  look?(signal: AbortSignal): Promise<'busy' | 'idle' | Failure>;
  /** Called before `close` where everything is to end now. Absent: `close` is quick. */
  kill?(): Promise<void>;
}

/** What a run has seen of a prefix cache that does not work, in tokens of an average prompt. */
export interface CacheFacts {
  promptTokens: number;
  /** Those that the prompt begins with as the one before it did. */
  sharedTokens: number;
  /** Those that came from the cache; null where the engine does not report them, and its times show it. */
  cachedTokens: number | null;
}

/** Prompt tokens that an engine was given, and those of them that it had in its prefix cache. */
export interface CacheCounters {
  prompt: number;
  cached: number;
}

/** Questions that an engine answers beside its requests. */
export interface Inspection {
  /** The tokens of a request's prompt, as the engine itself counts them; null where it can't be counted. */
  countPrompt?(request: BatchRequest, signal: AbortSignal): Promise<number | null>;
  /** What the loaded model takes, as the engine says it; null where it does not. */
  memory?(): Promise<ModelMemory | null>;
  /**
   * Asks the engine how many requests it works on and how many wait for it, those of others too; null where it does not
   * say. Rejects with the signal's reason. For an engine that tells by `onEngineLoad` it is absent.
   */
  load?(signal: AbortSignal): Promise<EngineLoad | null>;
  /**
   * What its prefix cache gave since the engine began, to all that use it; null where it does not say. For an engine that
   * reports it with each answer it is absent.
   */
  cacheCounters?(): Promise<CacheCounters | null>;
  /**
   * Explains why little of what the prompts share came from the engine's prefix cache, and what to set: whole sentences;
   * null where no cause is known; empty where it is as it should be, and nothing is told. Asked once, when a run has seen it.
   */
  explainCache?(facts: CacheFacts): Promise<string | null>;
  /** Empties the engine's cache of whole prompts, so that what is measured next does not find them there. */
  clearPromptCache?(): void;
}

export interface BackendLimits {
  /** Requests that the engine works on at the same time; more only wait. Null where it isn't known. */
  slots: number | null;
  /** Why there are no more slots than these, whatever is set; absent where `moreSlots` of the definition holds. */
  fixedSlots?: string;
  /** What `--workers auto` takes; for conversations, no more than there are slots. */
  suggestedWorkers: number;
  /**
   * Nobody knows how many requests the server can hold: the scheduler starts with so many in flight, and finds the
   * number. `--workers` is then the most it may take, and what it starts with.
   */
  finds?: { start: number; max: number };
  /**
   * A request that may bring an engine down (`GenerateContext.isAlone`) has one of several processes to itself here, and the
   * others go on. Absent: the scheduler sends nothing beside it.
   */
  isolates?: boolean;
  /** Tokens that prompt and answer can have together; null where it isn't known. */
  contextTokens: number | null;
}

/** Requests of the input that show how long its prompts are, by the bytes of their lines. */
export interface PromptLengths {
  /** The longest first. */
  longest: BatchRequest[];
  /** Of 100 requests, 99 are no longer than this one. */
  usual: BatchRequest;
}

/** What a backend is opened with. */
export interface OpenRequest extends BackendAddress {
  model: string;
  /** `--option key=value`, already checked by `optionsSchema`. */
  options: Record<string, unknown>;
  /** The `form` of the engine that the run began with; null or absent: none. */
  form?: string | null;
  /** `--workers`, or null for `auto`. */
  workers: number | null;
  /** `--timeout` of each request, from when the engine has room for it; null: none. */
  timeoutMs: number | null;
  /** `--stall-timeout`: silence in milliseconds after which an engine hangs. */
  stallTimeoutMs: number;
  /** Tokens a conversation may grow to; null in independent mode. */
  conversationTokens: number | null;
  /** Text of `--chat-template`, a Jinja template in place of the model's own; null: the model's own. */
  chatTemplate: string | null;
  /** Texts that look like control tokens: kept as text, or let through (`--control-tokens allow`). */
  allowControlTokens: boolean;
  /** `--allow-repetition`: an answer that says the same again and again (see `request/repetition.ts`) is not ended. */
  allowRepetition: boolean;
  /** `--unload`: the model is freed when the backend is closed. */
  unload: boolean;
  /** Where an engine that talks much writes its log; null: nowhere. */
  logFile: string | null;
  /** What the input's prompts are like; null while it is being read. */
  promptLengths: () => Promise<PromptLengths | null>;
  signal: AbortSignal;
  /** One line for the user: what is being loaded. A `detail` is shown with `--verbose`. */
  onNotice: (text: string, level?: 'detail') => void;
  /** What is being done before the engine can answer, in a few words for the live display: `loading gemma3 (241 MiB)`. */
  onStep?: (step: string) => void;
  /** A process of the engine died or hung, and is started again. */
  onRestart: (reason: string) => void;
  /** A server loaded the model anew between two requests, for a reason of its own. */
  onReload?: () => void;
  /** What the engine is doing, about once a second, from one that tells. */
  onEngineLoad: (load: EngineLoad) => void;
}

/** Whether an engine serves a model: true, or why not; `away` where its server is not reached, and may have the model. */
export type Served = boolean | string | { away: string };

/** One entry of the registry: all that `--help`, the choice of a backend and the tests need, without loading an engine. */
export interface BackendDefinition {
  readonly name: string;
  /** One line for `--help`. */
  readonly summary: string;
  readonly endpoints: readonly Endpoint[];
  /** True: its answers come from no model. Help names it behind the others. */
  readonly isSimulated?: boolean;
  /** A model of this engine, for the examples of the help. */
  readonly exampleModel?: string;
  /** What `-m` names here, where that is more than a name: `a GGUF file`. */
  readonly modelForm?: string;
  /** The temperature of a request that gives none; absent: the model's own. */
  readonly defaultTemperature?: number;
  /**
   * True: the engine writes chats as prompts by `OpenRequest.chatTemplate`. A sentence: it does not, and how the user gives
   * whoever does it a template. Absent: its answers depend on no template. Where it isn't true, `--chat-template` is refused.
   */
  readonly chatTemplate?: true | string;
  /** Keys of `--option`, one line each, for `--help`. */
  readonly optionsHelp: Record<string, string>;
  /** The engine has more options than are named here, and refuses those that it does not have. */
  readonly hasOpenOptions?: boolean;
  /** The engine's own connection flags, by the names that their values have in `Connection`: `baseUrl` for `--base-url`. */
  readonly connection?: Readonly<Record<string, ConnectionFlag>>;
  /** False: nothing that is asked of the engine frees its model. Absent: the model is free when the backend is closed. */
  readonly canUnload?: boolean;
  /** Options with which the engine frees its model behind each request; absent where no option does that. */
  readonly unloadOptions?: Readonly<Record<string, string | number | boolean>>;
  /** Checks the `--option` values; loaded when wanted, since zod costs 70 ms. */
  optionsSchema(): Promise<ZodType<Record<string, unknown>>>;
  /**
   * Does this model name belong to this backend? Asked where no `--backend` is given. True, or else why not, in a few words
   * that can follow the backend's name: `takes GGUF files`. Throws a `UsageError` where the name can mean only this backend,
   * and is wrong.
   */
  serves(model: string, address: BackendAddress): Served | Promise<Served>;
  /**
   * What `modelDigest` of this model will be, told without loading it; undefined where it can't be told so. Absent: it never
   * can. A mistake in the name or the address is left for `open` to tell.
   */
  readonly weightsDigest?: (model: string, address: BackendAddress) => Promise<string | null | undefined>;
  /** What makes the engine work on so many requests at once, in words for the user; absent where nothing does. */
  readonly moreSlots?: (slots: number) => string;
  /** Files and folders of the engine's installation, without models; empty where it isn't found on this machine. */
  readonly installPaths?: (address: BackendAddress) => Promise<string[]>;
  /** How `llmbatch doctor` examines the engine; absent for an engine that is always there. */
  readonly doctor?: BackendDoctor;
  /** Loads the model and checks that it answers. Throws an `EngineError` with a hint. */
  open(request: OpenRequest): Promise<Backend>;
}
