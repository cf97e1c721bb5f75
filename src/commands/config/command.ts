import type { Command } from 'commander';
import type { BackendDefinition } from '../../core/backend.ts';
import { helpText } from '../shared/help-text.ts';
import type { ConfigFlags } from './run.ts';

export function addConfigCommand(program: Command, backends: readonly BackendDefinition[]): void {
  program
    .command('config')
    .summary('show the settings of a new run here and where they come from')
    .description(
      'Shows the settings of a new run in this folder without flags. They come from the environment, from a preset, from llmbatch.json in this folder or above, and from your own llmbatch.json. See llmbatch help settings.',
    )
    .option('--preset <name>', 'include the preset with this name')
    .option('--json', 'one JSON object instead of text', false)
    .addHelpText('after', helpText(['llmbatch config', 'llmbatch config --preset short']))
    .action(async (flags: ConfigFlags) => {
      const { showConfig } = await import('./run.ts');
      await showConfig(program, flags, backends);
    });
}
