import { z } from 'zod';
import { isRecord } from '../data/is-record.ts';

/** Settings that shape the answers. They are kept in the manifest, and a resume with other ones is refused by name. */
export const answerSettingsSchema = z.object({
  backend: z.string(),
  /** Replaces the model that a line names; null: each line's own. */
  model: z.string().nullable(),
  mode: z.enum(['auto', 'independent', 'conversation']),
  system: z.string().nullable(),
  promptTemplate: z.string().nullable(),
  /** A JSON schema that every answer must satisfy. */
  schema: z.record(z.string(), z.unknown()).nullable(),
  /** Sampling keys for lines without their own: temperature, max_tokens, seed, stop, top_p. */
  parameters: z.record(z.string(), z.unknown()),
  /** `--option key=value`: the backend's own. */
  options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  /** Form of the input; auto: found by its name and its first bytes. */
  format: z.enum(['auto', 'jsonl', 'json', 'csv', 'tsv', 'text', 'parquet']),
  /** The character between the cells of a table; null: found in its header. */
  delimiter: z.string().nullable().default(null),
  /** Encoding of the input, by its WHATWG label; null: UTF-8, or UTF-16 where a byte order mark says so. */
  encoding: z.string().nullable().default(null),
  /** The field of a row that is its id; null: `custom_id`, else `id`. */
  idField: z.string().nullable().default(null),
  /** A field that the prompt template prints may be null or empty. */
  allowEmptyFields: z.boolean().default(false),
  /** Text of the Jinja chat template in place of the model's own. */
  chatTemplate: z.string().nullable().default(null),
  limit: z.number().int().positive().nullable(),
  sample: z.number().int().positive().nullable(),
  conversation: z.object({
    /** Number of turns after which the history is trimmed. */
    trimEvery: z.number().int().positive(),
    /** Number of the last messages that a trim keeps, beside the system prompt. */
    keepMessages: z.number().int().nonnegative(),
    /** Number of tokens in prompt and answer at which the history is trimmed too. */
    trimTokens: z.number().int().positive(),
    /** Size of the context window, in tokens. */
    contextTokens: z.number().int().positive(),
  }),
  controlTokens: z.enum(['text', 'allow']),
  /** An answer cut at max_tokens counts as a success. */
  allowTruncated: z.boolean(),
  /** An answer that says nothing counts as a success. */
  allowEmptyAnswers: z.boolean().default(false),
  /** An answer that says the same again and again is not ended. */
  allowRepetition: z.boolean().default(false),
});

const runnerFields = z.object({
  /** Requests in flight; null: auto. */
  workers: z.number().int().positive().nullable(),
  /** Tries after the first one, for transient failures. */
  retries: z.number().int().nonnegative(),
  /** Kinds that are retried though they are not transient: schema-invalid, truncated, empty. */
  retryOn: z.array(z.string()),
  /** Longest time for one attempt, from when the engine has room for it; null: none. */
  timeoutMs: z.number().positive().nullable(),
  /** Longest silence of the engine with requests in flight. */
  stallTimeoutMs: z.number().positive(),
  /** Longest wait for what is in flight after the first Ctrl-C. */
  drainTimeoutMs: z.number().positive(),
  /** Share of failures among the last 100 requests that stops the run; 1: never. */
  maxErrorRate: z.number().min(0).max(1),
  strict: z.boolean(),
  /**
   * Where each of the engines is, and on what it runs: what was given of the backends' connection flags, by name. One that is
   * empty where nothing was given.
   */
  connections: z.array(z.record(z.string(), z.unknown())).min(1),
  /** Send nothing new to a server while others use it. */
  background: z.boolean().default(false),
  /** Hours of the day in which the run works, by the local time, such as `22-07`; null: always. */
  hours: z.string().nullable().default(null),
  /** Free the model at the end. */
  unload: z.boolean().default(false),
  /**
   * GPU memory that may be full, on each GPU: bytes, or a share of the card. auto: 87.5 %, or what the model alone
   * takes.
   */
  vramLimit: z
    .union([
      z.enum(['auto', 'none']),
      z.object({ bytes: z.number().positive() }),
      z.object({ share: z.number().positive().max(1) }),
    ])
    .default('auto'),
  /** A conversation for each worker, also where the engine has fewer slots. */
  forceHistories: z.boolean().default(false),
  /** Earlier outputs whose answers are taken for requests with the same hash. */
  reuse: z.array(z.string()).default([]),
  /** Requests with the same hash are sent once. */
  dedupe: z.boolean().default(false),
  order: z.enum(['input', 'completion']),
  fsync: z.enum(['group', 'always', 'none']),
});

/** Connection flags that files of early llmbatch 0.1 hold beside the other settings, null where they were not given. */
const formerConnection = ['host', 'baseUrl', 'python', 'gpus'];

/** Settings of how a run is carried out: a resume may change them freely. Reads those of llmbatch 0.1 too. */
export const runnerSettingsSchema = z.preprocess((settings) => {
  if (!isRecord(settings) || 'connections' in settings) return settings;
  const { connection, ...others } = settings;
  if (connection !== undefined) return { ...others, connections: [connection] };
  const former = formerConnection.map((name) => [name, settings[name] ?? null] as const);
  return { ...settings, connections: [Object.fromEntries(former.filter(([, value]) => value !== null))] };
}, runnerFields);
