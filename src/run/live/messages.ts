import { z } from 'zod';
import { maxSetWorkers } from './max-set-workers.ts';

/** Version of the messages between a live run and who asks it. */
export const liveVersion = 1;

/** A line of JSON that a live run is sent. `by`: who asks, for its messages. */
export const liveRequestSchema = z.discriminatedUnion('do', [
  z.object({ version: z.literal(liveVersion), do: z.literal('status') }),
  /** The answer is followed by an object of progress each second, as `--progress json` writes it, to the end of the run. */
  z.object({ version: z.literal(liveVersion), do: z.literal('watch') }),
  z.object({ version: z.literal(liveVersion), do: z.literal('pause'), by: z.string().max(200) }),
  z.object({ version: z.literal(liveVersion), do: z.literal('resume'), by: z.string().max(200) }),
  z.object({
    version: z.literal(liveVersion),
    do: z.literal('set'),
    by: z.string().max(200),
    /** Requests in flight of each engine; null: as the run chooses. */
    workers: z.number().int().positive().max(maxSetWorkers).nullable(),
  }),
]);

export type LiveRequest = z.infer<typeof liveRequestSchema>;

const pauseSchema = z
  .object({ by: z.string(), since: z.string(), until: z.string().nullable().default(null) })
  .nullable();

/** The line of JSON that a live run answers with. */
export const liveAnswerSchema = z.union([
  z.object({
    version: z.literal(liveVersion),
    ok: z.literal(true),
    /** Real path of the output, and the process that writes it. */
    output: z.string(),
    pid: z.number(),
    paused: pauseSchema,
    in_flight: z.number(),
    workers: z.number(),
  }),
  /** Why nothing was done, as a sentence. */
  z.object({ version: z.literal(liveVersion), ok: z.literal(false), error: z.string() }),
]);

export type LiveAnswer = z.infer<typeof liveAnswerSchema>;
/** What a live run says of itself. */
export type LiveState = Extract<LiveAnswer, { ok: true }>;
