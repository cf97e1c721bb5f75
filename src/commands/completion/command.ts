import { Argument, type Command } from 'commander';
import type { BackendDefinition } from '../../core/backend.ts';
import { helpText } from '../shared/help-text.ts';
import type { Shell } from './run.ts';

export function addCompletionCommand(program: Command, backends: readonly BackendDefinition[]): void {
  program
    .command('completion')
    .summary('print the completion script for a shell')
    .description(
      'Prints the script that makes bash, zsh or fish complete the commands of llmbatch, their flags, the values of flags, and paths. Add the matching line below to the startup file of your shell.',
    )
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish'] satisfies Shell[]))
    .addHelpText(
      'after',
      helpText([
        'source <(llmbatch completion bash)     # in ~/.bashrc',
        'source <(llmbatch completion zsh)      # in ~/.zshrc, after compinit',
        'llmbatch completion fish | source      # in ~/.config/fish/config.fish',
      ]),
    )
    .action(async (shell: Shell) => {
      const { printCompletion } = await import('./run.ts');
      await printCompletion(
        shell,
        program,
        backends.map(({ name }) => name),
      );
    });
}
