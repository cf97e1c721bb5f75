import { Argument, type Command } from 'commander';
import type { BackendDefinition } from '../../core/backend.ts';
import { UsageError } from '../../core/errors.ts';
import { nearest } from '../../text/nearest.ts';
import { helpText } from '../shared/help-text.ts';
import { topics } from './topics.ts';

/** Adds `llmbatch help`. To be called when all other commands are there: it shows theirs too. */
export function addHelpCommand(program: Command, backends: readonly BackendDefinition[]): void {
  const names = [...topics.keys()];
  const pages = [...program.commands.map((command) => command.name()), ...names];
  program
    .command('help')
    .summary(`show the help of a command, or of ${names.join(', ')}`)
    .description(`Shows the help of a command, or a page on ${names.join(', ')}.`)
    .addArgument(
      new Argument('[page]', 'a command or a topic').choices(pages).argParser((page) => checkPage(page, pages)),
    )
    .addHelpText('after', helpText(['llmbatch help run', 'llmbatch help formats']))
    .action(async (page = '') => {
      const { writeStdout } = await import('../shared/write-stdout.ts');
      const topic = topics.get(page);
      if (topic === undefined) (program.commands.find((each) => each.name() === page) ?? program).outputHelp();
      else await writeStdout(topic(backends));
    });
}

function checkPage(page: string, pages: readonly string[]): string {
  if (pages.includes(page)) return page;
  const near = nearest(page, pages);
  throw new UsageError(
    `there is no command and no topic "${page}"`,
    near === null ? 'See all of them with: llmbatch --help' : `Did you mean llmbatch help ${near}?`,
  );
}
