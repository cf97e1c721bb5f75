import type { Command } from 'commander';
import type { BackendDefinition } from '../../core/backend.ts';
import { helpText } from '../shared/help-text.ts';

export function addBackendsCommand(program: Command, backends: readonly BackendDefinition[]): void {
  program
    .command('backends')
    .summary('list the engines and their --option keys')
    .description('Lists the engines that -b can name, and the keys that --option can set for each.')
    .option('--json', 'one JSON object instead of text', false)
    .addHelpText('after', helpText(['llmbatch backends']))
    .action(async ({ json }: { json: boolean }) => {
      const { writeStdout } = await import('../shared/write-stdout.ts');
      const list = backends.map(({ name, summary, endpoints, chatTemplate, optionsHelp }) => ({
        name,
        summary,
        endpoints,
        chat_template: chatTemplate === true,
        options: optionsHelp,
      }));
      await writeStdout(json ? `${JSON.stringify(list)}\n` : `${list.map(renderBackend).join('\n\n')}\n`);
    });
}

function renderBackend({
  name,
  summary,
  chat_template: takesTemplate,
  options,
}: {
  name: string;
  summary: string;
  chat_template: boolean;
  options: Record<string, string>;
}): string {
  const width = Math.max(...Object.keys(options).map((key) => key.length));
  const rows = Object.entries(options).map(([key, help]) => `  --option ${key.padEnd(width)}  ${help}`);
  const template = takesTemplate ? ['  --chat-template <file|name>'] : [];
  return [`${name}: ${summary}`, ...template, ...rows].join('\n');
}
