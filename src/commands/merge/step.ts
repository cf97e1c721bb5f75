import { findManifest } from '../../journal/manifest/find-manifest.ts';
import type { Manifest } from '../../journal/manifest/manifest.ts';
import { pathsOf, shardInName } from '../../journal/manifest/run-paths.ts';
import { mergeCommand, mergeRetriesCommand } from '../../text/command-line.ts';

/** What comes after a finished shard, or a finished `--failed-of`: the command that joins the outputs. */
export async function mergeStepOf(manifest: Manifest, output: string): Promise<{ mergeCommand?: string }> {
  const { shard, state, failedOf } = manifest;
  if (state !== 'finished') return {};
  if (failedOf !== null) return { mergeCommand: mergeRetriesCommand([...(await earlierOutputs(failedOf)), output]) };
  return shard === null || shardInName(output) === null ? {} : { mergeCommand: mergeCommand(output, shard.count) };
}

/** The outputs of which each takes up what failed in the one before, the first one first. */
async function earlierOutputs(failedOf: string): Promise<string[]> {
  const outputs = [failedOf];
  for (;;) {
    const run = await findManifest(pathsOf(outputs[0]!)).catch(() => null);
    const before = run?.manifest.failedOf ?? null;
    if (before === null || outputs.includes(before)) return outputs;
    outputs.unshift(before);
  }
}
