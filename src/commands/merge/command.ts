import type { Command } from 'commander';
import { helpText } from '../shared/help-text.ts';
import type { MergeFlags } from './run.ts';

export function addMergeCommand(program: Command, onExit: (code: number) => void): void {
  program
    .command('merge')
    .summary('several outputs into one')
    .description(
      'Merges outputs (shards, retries, what a hosted service answered of the files of convert) into one: one line a request, of several the last success. In the order of the input where all come from one input, else output after output. Exit code 3 too where a shard is missing or not finished.',
    )
    .argument('<output...>', 'outputs of runs, or results of a hosted service')
    .option('-o, --output <file>', 'where to; - is stdout', '-')
    .option('--overwrite', 'replace a file that is there', false)
    .option('--allow-drift', 'merge shards though a setting, the model or the input differs between them', false)
    .option('--json', 'print the counts as JSON on stderr', false)
    .addHelpText(
      'after',
      helpText([
        'llmbatch merge a.results.jsonl b.results.jsonl -o all.jsonl',
        'llmbatch merge big.results.*-of-3.jsonl -o big.results.jsonl',
        'llmbatch merge monday.jsonl retry.jsonl | jq .custom_id',
      ]),
    )
    .action(async (outputs: string[], flags: MergeFlags) => {
      const { mergeOutputs } = await import('./run.ts');
      onExit(await mergeOutputs(outputs, flags));
    });
}
