import type { Command } from 'commander';
import type { BackendDefinition } from '../../core/backend.ts';
import { noteFlags } from '../shared/given-flags.ts';
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
  const typed = noteFlags(command, backends);
  command.action(async (output: string | undefined, flags: ResumeFlags) => {
    const { resumeRun } = await import('./run.ts');
    const given = Object.entries(flags).filter(([name]) => command.getOptionValueSource(name) === 'cli');
    onExit(
      await resumeRun(
        output,
        { ...flags, given: Object.fromEntries(given), typed: typed().map(({ name }) => name) },
        backends,
      ),
    );
  });
}
