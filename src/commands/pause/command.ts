import type { Command } from 'commander';
import { helpText } from '../shared/help-text.ts';

export function addPauseCommand(program: Command): void {
  program
    .command('pause')
    .summary('pause a run in progress')
    .description(
      'Pauses a run in another terminal. No new request is sent, requests in flight finish, and the model stays loaded. llmbatch resume ends the pause. Without an output: your run in progress.',
    )
    .argument('[output]', 'the output of the run')
    .option('--wait', 'wait until all requests in flight have finished', false)
    .option('--json', 'one JSON object instead of text', false)
    .addHelpText('after', helpText(['llmbatch pause', 'llmbatch pause questions.results.jsonl --wait']))
    .action(async (output: string | undefined, flags: { wait: boolean; json: boolean }) => {
      const { pauseRun } = await import('./run.ts');
      await pauseRun(output, flags);
    });
}
