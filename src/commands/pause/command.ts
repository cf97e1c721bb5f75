import type { Command } from 'commander';
import { helpText } from '../shared/help-text.ts';

export function addPauseCommand(program: Command): void {
  program
    .command('pause')
    .summary('pause a run that goes on')
    .description(
      'Pauses a run that goes on in another terminal: nothing new is sent, what is in flight ends, and the model stays loaded. llmbatch resume ends the pause. Without an output: the one run of yours that goes on.',
    )
    .argument('[output]', 'the output of the run')
    .option('--wait', 'return when nothing is in flight any more', false)
    .option('--json', 'one JSON object instead of text', false)
    .addHelpText('after', helpText(['llmbatch pause', 'llmbatch pause candidates.results.jsonl --wait']))
    .action(async (output: string | undefined, flags: { wait: boolean; json: boolean }) => {
      const { pauseRun } = await import('./run.ts');
      await pauseRun(output, flags);
    });
}
