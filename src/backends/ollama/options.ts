import type { z } from 'zod';
import type { RunnerOptions } from './http/wire.ts';

export type OllamaOptions = z.infer<Awaited<ReturnType<typeof ollamaOptionsSchema>>>;

export const ollamaOptionsHelp: Record<string, string> = {
  keep_alive:
    'how long the model stays loaded after a request: seconds, or a duration such as 10m (default: -1, without limit)',
  main_gpu: 'the GPU for data that is not split over several GPUs',
  num_batch: 'number of prompt tokens evaluated at once',
  num_ctx: 'context window of each slot in tokens (default: enough for the longest prompt of the input)',
  num_gpu: 'number of layers on the GPU (default: as many as fit)',
  num_thread: 'CPU threads',
  slots: 'number of requests that the server works on at once (default: measured with a test of a few seconds)',
  use_mmap: 'true or false: map the model file into memory',
};

/** Checks `--option key=value`. Values may be texts, as the command line gives them; what it returns it accepts again. */
export async function ollamaOptionsSchema() {
  const { z } = await import('zod');
  const number = z.union([z.number(), z.string().trim().min(1)]).pipe(z.coerce.number());
  const positive = number.pipe(z.int().min(1));
  const count = number.pipe(z.int().min(0));
  const duration = z.string().regex(/^-?(\d+(\.\d+)?(ns|us|ms|s|m|h))+$/, 'seconds, or a duration such as 10m');
  return z.strictObject({
    // The server refuses the text "-1", but takes the number.
    keep_alive: z.union([number, duration]).default(-1),
    main_gpu: count.optional(),
    num_batch: positive.optional(),
    num_ctx: positive.optional(),
    num_gpu: count.optional(),
    num_thread: positive.optional(),
    slots: positive.optional(),
    use_mmap: z.union([z.boolean(), z.stringbool()]).optional(),
  });
}

/** The options that the loaded model has, frozen for the whole run: another value in any request would load it anew. */
export function runnerOptions(options: OllamaOptions, contextTokens: number): RunnerOptions {
  const { keep_alive: _keepAlive, slots: _slots, num_ctx: _contextTokens, ...given } = options;
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.freeze({ ...(Object.fromEntries(set) as Partial<RunnerOptions>), num_ctx: contextTokens });
}
