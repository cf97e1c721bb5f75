import type { Command } from 'commander';
import { helpText } from '../shared/help-text.ts';

export function addSetCommand(program: Command): void {
  program
    .command('set')
    .summary('change a run in progress')
    .description(
      'Changes a run in another terminal. workers=N sets the number of requests in flight (for each server). workers=auto lets the run choose. Without an output: your run in progress.',
    )
    .argument('<setting>', 'workers=N or workers=auto')
    .argument('[output]', 'the output of the run')
    .option('--json', 'one JSON object instead of text', false)
    .addHelpText('after', helpText(['llmbatch set workers=6', 'llmbatch set workers=auto questions.results.jsonl']))
    .action(async (setting: string, output: string | undefined, flags: { json: boolean }) => {
      const { changeRun } = await import('./run.ts');
      await changeRun(setting, output, flags);
    });
}
