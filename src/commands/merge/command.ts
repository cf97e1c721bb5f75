import type { Command } from 'commander';
import { helpText } from '../shared/help-text.ts';
import type { MergeFlags } from './run.ts';

export function addMergeCommand(program: Command, onExit: (code: number) => void): void {
  program
    .command('merge')
    .summary('merge several outputs into one')
    .description(
      'Merges outputs (shards, retries, results of a hosted service for the files of convert) into one file with one line per request. If a request has several results, the last success is used. The lines are in the order of the input if all outputs come from one input, otherwise output after output. The exit code is also 3 if a shard is missing or not finished.',
    )
    .argument('<output...>', 'outputs of runs, or results of a hosted service')
    .option('-o, --output <file>', 'file to write; - is stdout', '-')
    .option('--overwrite', 'replace an existing file', false)
    .option('--allow-drift', 'merge shards although a setting, the model or the input differs between them', false)
    .option('--json', 'print the counts as JSON on stderr', false)
    .addHelpText(
      'after',
      helpText([
        'llmbatch merge a.results.jsonl b.results.jsonl -o all.jsonl',
        'llmbatch merge questions.results.*-of-3.jsonl -o questions.results.jsonl',
        'llmbatch merge monday.jsonl retry.jsonl | jq .custom_id',
      ]),
    )
    .action(async (outputs: string[], flags: MergeFlags) => {
      const { mergeOutputs } = await import('./run.ts');
      onExit(await mergeOutputs(outputs, flags));
    });
}
