import type { z } from 'zod';
import { type ErrorKind, isErrorKind } from '../../core/errors.ts';

export type MockOptions = z.infer<Awaited<ReturnType<typeof mockOptionsSchema>>>;

export const mockOptionsHelp: Record<string, string> = {
  answer: 'echo (default), hash, score, or text:<answer>',
  answers_change_at: 'number of workers from which a quarter of the answers change (default: 0, never)',
  completion_tokens: 'number of tokens of every answer (default: its number of words)',
  context_tokens: 'context window; a longer prompt fails (default: none)',
  fault_attempts: 'number of attempts of a faulty request that fail (default: random for each attempt)',
  fault_kinds: 'error kinds, hang, crash or loop, separated by commas (default: server-error)',
  fault_rate: 'share of faulty requests, 0 to 1 (default: 0)',
  latency_jitter: 'random variation of the latency, 0 to 1 (default: 0)',
  latency_ms: 'time for an answer in milliseconds (default: 0, without a timer)',
  load_ms: 'time to load in milliseconds (default: 0)',
  prompt_tokens_per_second: 'speed at which a prompt is read before its answer begins (default: no limit)',
  report_cached: 'report cached prompt tokens (default: true)',
  seed: 'random seed for faults and latencies (default: 0)',
  slots: 'number of requests that run at once; the others wait in a queue (default: 0, no limit)',
  tokens_per_second: 'speed of one answer after its first token (default: no limit)',
  ttft_ms: 'time to the first token in milliseconds (default: the answer is not streamed)',
};

/**
 * Checks `--option key=value`. Values may be texts, as the command line gives them; what it returns it accepts again.
 */
export async function mockOptionsSchema() {
  const { z } = await import('zod');
  const number = z.union([z.number(), z.string().trim().min(1)]).pipe(z.coerce.number());
  const share = number.pipe(z.number().min(0).max(1));
  const positive = number.pipe(z.number().positive());
  const milliseconds = number.pipe(z.number().min(0));
  const count = number.pipe(z.int().min(0));
  return z.strictObject({
    answer: z
      .string()
      .regex(/^(echo|hash|score|text:[^]*)$/, 'echo, hash, score, or text:<answer>')
      .default('echo'),
    answers_change_at: count.default(0),
    completion_tokens: count.optional(),
    context_tokens: count.default(0),
    fault_attempts: number.pipe(z.int().min(1)).optional(),
    fault_kinds: z
      .string()
      .refine(areFaultKinds, 'error kinds, hang, crash or loop, separated by commas')
      .default('server-error'),
    fault_rate: share.default(0),
    latency_jitter: share.default(0),
    latency_ms: milliseconds.default(0),
    load_ms: milliseconds.default(0),
    prompt_tokens_per_second: positive.optional(),
    report_cached: z.union([z.boolean(), z.stringbool()]).default(true),
    seed: number.pipe(z.int()).default(0),
    slots: count.default(0),
    tokens_per_second: positive.optional(),
    ttft_ms: milliseconds.optional(),
  });
}

const areFaultKinds = (list: string): boolean => list.split(',').every((word) => faultKind(word) !== null);

/** Ways in which an attempt can fail: with a kind of error, by never answering, or by an answer that never ends. */
export type MockFault = ErrorKind | 'hang' | 'loop';

/** Reads one word of `fault_kinds`; null where it is no such word. */
export function faultKind(word: string): MockFault | null {
  const kind = word.trim();
  if (kind === 'crash') return 'engine-crashed';
  return kind === 'hang' || kind === 'loop' || isErrorKind(kind) ? kind : null;
}
