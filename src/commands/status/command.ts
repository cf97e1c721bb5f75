import type { Command } from 'commander';
import { helpText } from '../shared/help-text.ts';

export function addStatusCommand(program: Command): void {
  program
    .command('status')
    .summary('a run in progress or stopped')
    .description(
      'Shows counts, rates and ETA of a run, from its files alone. Without an output: the one run of yours that goes on, wherever it was started, or else the newest run of this folder. With --watch it asks a run that goes on.',
    )
    .argument('[output]', 'the output of the run')
    .option('--watch', 'go on showing a run that goes on, to its end', false)
    .option('--json', 'one JSON object instead of text; with --watch one each second', false)
    .addHelpText('after', helpText(['llmbatch status', 'llmbatch status candidates.results.jsonl --json | jq .done']))
    .action(async (output: string | undefined, { watch, ...flags }: { json: boolean; watch: boolean }) => {
      if (watch) return (await import('./watch.ts')).watchStatus(output, flags);
      const { showStatus } = await import('./run.ts');
      await showStatus(output, flags);
    });
}
