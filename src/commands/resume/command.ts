import type { Command } from 'commander';
import type { BackendDefinition } from '../../core/backend.ts';
import { helpText } from '../shared/help-text.ts';
import { addEmptyFieldsFlag, addLeniencyFlags, addRunnerFlags, addSamplingFlags } from '../shared/run-flags.ts';
import type { ResumeFlags } from './run.ts';

export function addResumeCommand(
  program: Command,
  backends: readonly BackendDefinition[],
  onExit: (code: number) => void,
): void {
  const command = program
    .command('resume')
    .summary('continue a stopped run')
    .description(
      'Continues a stopped run with the settings that it was started with. Without an output: the newest unfinished run of this folder. Requests that failed for a temporary reason are tried again. With --retry-failed all, all failed requests are tried again, also with other settings.',
    )
    .argument('[output]', 'the output of the run');
  addEmptyFieldsFlag(addLeniencyFlags(addSamplingFlags(addRunnerFlags(command, backends), backends))).addHelpText(
    'after',
    helpText([
      'llmbatch resume',
      'llmbatch resume questions.results.jsonl --workers 4',
      'llmbatch resume questions.results.jsonl --max-tokens 500 --retry-failed all',
    ]),
  );
  command.action(async (output: string | undefined, flags: ResumeFlags) => {
    const { resumeRun } = await import('./run.ts');
    const typed = command.options.filter((option) => command.getOptionValueSource(option.attributeName()) === 'cli');
    const names = new Set(typed.map((option) => option.attributeName()));
    const given = Object.fromEntries(Object.entries(flags).filter(([name]) => names.has(name)));
    onExit(
      await resumeRun(output, { ...flags, given, typed: typed.map(({ long, flags: all }) => long ?? all) }, backends),
    );
  });
}
