import type { Command } from 'commander';
import { helpText } from '../shared/help-text.ts';

export function addStatusCommand(program: Command): void {
  program
    .command('status')
    .summary('show a run in progress or a stopped run')
    .description(
      'Shows counts, rates and ETA of a run from its files. Without an output: your run in progress, from any folder, or else the newest run of this folder. With --watch, it follows a run in progress.',
    )
    .argument('[output]', 'the output of the run')
    .option('--watch', 'follow a run in progress until it ends', false)
    .option('--json', 'one JSON object instead of text; with --watch, one per second', false)
    .addHelpText('after', helpText(['llmbatch status', 'llmbatch status questions.results.jsonl --json | jq .done']))
    .action(async (output: string | undefined, { watch, ...flags }: { json: boolean; watch: boolean }) => {
      if (watch) return (await import('./watch.ts')).watchStatus(output, flags);
      const { showStatus } = await import('./run.ts');
      await showStatus(output, flags);
    });
}
