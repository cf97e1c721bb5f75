import type { Command } from 'commander';
import { helpText } from '../shared/help-text.ts';

export function addStatusCommand(program: Command): void {
  program
    .command('status')
    .summary('a run in progress or stopped')
    .description(
      'Shows counts, rates and ETA of a run, from its files alone: of the named output, or of the newest run of this folder.',
    )
    .argument('[output]', 'the output of the run')
    .option('--json', 'one JSON object instead of text', false)
    .addHelpText('after', helpText(['llmbatch status', 'llmbatch status candidates.results.jsonl --json | jq .done']))
    .action(async (output: string | undefined, flags: { json: boolean }) => {
      const { showStatus } = await import('./run.ts');
      await showStatus(output, flags);
    });
}
