import type { Command } from 'commander';
import { helpText } from '../shared/help-text.ts';
import type { ValidateFlags } from './run.ts';
import { addInputFlags } from '../shared/run-flags.ts';

export function addValidateCommand(program: Command, onExit: (code: number) => void): void {
  const command = program
    .command('validate')
    .summary('check an input; runs nothing')
    .description(
      'Checks every line of an input as `run` would read it: every bad line with its number and reason, counts, system prompts, longest prompts. Runs nothing. Exit code 2 when a line is bad.',
    )
    .argument('<input>', 'a JSONL or CSV file, or -')
    .option('-m, --model <model>', 'as for run')
    .option('--system <text>', 'as for run')
    .option('--prompt-template <text>', 'as for run')
    .option('--json', 'one JSON object instead of text', false);
  addInputFlags(command)
    .addHelpText(
      'after',
      helpText(['llmbatch validate candidates.jsonl', "llmbatch validate bad.jsonl --json | jq '.bad_lines[].reason'"]),
    )
    .action(async (input: string, flags: ValidateFlags) => {
      const { validateInput } = await import('./run.ts');
      onExit(await validateInput(input, flags));
    });
}
