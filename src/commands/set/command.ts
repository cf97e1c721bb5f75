import type { Command } from 'commander';
import { helpText } from '../shared/help-text.ts';

export function addSetCommand(program: Command): void {
  program
    .command('set')
    .summary('change a run that goes on')
    .description(
      'Changes a run that goes on in another terminal. workers=N: requests in flight (of each server) from now on; workers=auto: as the run chooses. Without an output: the one run of yours that goes on.',
    )
    .argument('<setting>', 'workers=N or workers=auto')
    .argument('[output]', 'the output of the run')
    .option('--json', 'one JSON object instead of text', false)
    .addHelpText('after', helpText(['llmbatch set workers=6', 'llmbatch set workers=auto candidates.results.jsonl']))
    .action(async (setting: string, output: string | undefined, flags: { json: boolean }) => {
      const { changeRun } = await import('./run.ts');
      await changeRun(setting, output, flags);
    });
}
