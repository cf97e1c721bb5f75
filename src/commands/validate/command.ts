import type { Command } from 'commander';
import type { BackendDefinition } from '../../core/backend.ts';
import { noteFlags } from '../shared/given-flags.ts';
import { helpText } from '../shared/help-text.ts';
import { addRequestFlags } from '../shared/run-flags.ts';
import type { ValidateFlags } from './run.ts';

export function addValidateCommand(
  program: Command,
  backends: readonly BackendDefinition[],
  onExit: (code: number) => void,
): void {
  const command = program
    .command('validate')
    .summary('check an input; sends nothing')
    .description(
      'Checks every line of an input, as `run` with the same flags would read it. Prints every invalid line with its number and reason, counts, system prompts and the longest prompts. Sends nothing. The exit code is 2 if a line is invalid.',
    )
    .argument('<input>', 'a JSONL or CSV file, or -');
  addRequestFlags(command, backends)
    .option('--json', 'one JSON object instead of text', false)
    .addHelpText(
      'after',
      helpText(['llmbatch validate questions.jsonl', "llmbatch validate bad.jsonl --json | jq '.bad_lines[].reason'"]),
    );
  const given = noteFlags(command, backends);
  command.action(async (input: string, flags: Omit<ValidateFlags, 'given'>) => {
    const { validateInput } = await import('./run.ts');
    onExit(await validateInput(input, { ...flags, given: given() }));
  });
}
