import type { Command } from 'commander';
import type { BackendDefinition } from '../../core/backend.ts';
import { helpText } from '../shared/help-text.ts';
import { type RunnerFlags, addRunnerFlags } from '../shared/run-flags.ts';

export function addResumeCommand(
  program: Command,
  backends: readonly BackendDefinition[],
  onExit: (code: number) => void,
): void {
  const command = program
    .command('resume')
    .summary('go on with a stopped run')
    .description(
      'Goes on with a stopped run, under the settings that it was started with. Without an output: the newest unfinished run of this folder. Requests that failed for a passing reason are tried again.',
    )
    .argument('[output]', 'the output of the run');
  addRunnerFlags(command, backends).addHelpText(
    'after',
    helpText([
      'llmbatch resume',
      'llmbatch resume candidates.results.jsonl --workers 4',
      'llmbatch resume candidates.results.jsonl --retry-failed all',
    ]),
  );
  command.action(async (output: string | undefined, flags: RunnerFlags) => {
    const { resumeRun } = await import('./run.ts');
    onExit(await resumeRun(output, flags, backends));
  });
}
