import { resolve } from 'node:path';
import type { Command } from 'commander';
import { UsageError } from '../../core/errors.ts';
import type { RunnerSettings } from '../../core/settings.ts';
import { collectText } from '../shared/parse-values.ts';

/** What the flags of `run` about requests that were answered before leave in commander's hands. */
export interface ReuseFlags {
  /** Outputs whose answers are taken over. */
  reuse: string[];
  dedupe: boolean;
  /** The output of which only what failed is run. */
  failedOf?: string;
}

/** Flags about requests that were answered before. */
export const addReuseFlags = (command: Command): Command =>
  command
    .option(
      '--reuse <output>',
      'reuse the answers of an earlier output for identical requests with the same settings and weights, if they have temperature 0 or a seed; repeatable',
      collectText,
      [],
    )
    .option('--dedupe', 'send identical requests once, if they have temperature 0 or a seed', false)
    .option(
      '--failed-of <output>',
      'answer only the requests that failed in an earlier output, with its input and settings except for the flags that you give, such as another -m; writes <output>.2.jsonl',
    );

/** The settings that these flags ask for. */
export function reuseSettings(flags: ReuseFlags & Others): Pick<RunnerSettings, 'reuse' | 'dedupe'> {
  const { estimate, shard, output, failedOf } = flags;
  if (estimate !== undefined && (flags.reuse.length > 0 || flags.dedupe))
    throw new UsageError(
      '--estimate measures the engine, so it cannot be used with --reuse or --dedupe',
      'Remove --reuse and --dedupe.',
    );
  if (shard !== undefined && failedOf !== undefined && output === undefined)
    throw new UsageError('--shard and --failed-of together need an output of their own', 'Name it with -o.');
  return { reuse: flags.reuse.map((path) => resolve(path)), dedupe: flags.dedupe };
}

/** Flags with which these don't go together. */
interface Others {
  estimate?: unknown;
  shard?: unknown;
  output?: string;
}
