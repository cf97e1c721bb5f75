import type { Manifest } from '../../journal/manifest/manifest.ts';
import { shardInName } from '../../journal/manifest/run-paths.ts';
import { mergeCommand } from '../../text/command-line.ts';

/** What comes after a finished shard: the command that joins all of them, where its output has the name of a shard. */
export const mergeStepOf = ({ shard, state }: Manifest, output: string): { mergeCommand?: string } =>
  shard === null || state !== 'finished' || shardInName(output) === null
    ? {}
    : { mergeCommand: mergeCommand(output, shard.count) };
