import { type Command, Option } from 'commander';
import type { BackendDefinition } from '../../core/backend.ts';
import { noteFlags } from '../shared/given-flags.ts';
import { helpText } from '../shared/help-text.ts';
import { parseCount, parseShard } from '../shared/parse-values.ts';
import { addRequestFlags } from '../shared/run-flags.ts';
import type { ConvertFlags } from './run.ts';

export function addConvertCommand(
  program: Command,
  backends: readonly BackendDefinition[],
  onExit: (code: number) => void,
): void {
  const command = program
    .command('convert')
    .summary('an input as batch files for a hosted service')
    .description(
      'Writes an input, as `run` with the same flags would send it, as batch files for a hosted service, split at its limits, and prints the commands that send them and fetch the results; `merge` takes these back. What the service has not is refused line by line, by name. Sends nothing, and needs no key. Exit code 3 where something was refused.',
    )
    .argument('<input>', 'a JSONL or CSV file, or -')
    .addOption(
      new Option('--to <service>', 'whose files')
        .choices(['openai', 'anthropic', 'gemini', 'mistral'])
        .makeOptionMandatory(),
    )
    .option('-o, --output <folder>', 'a new folder for the files (default: <input>.<service> beside the input)')
    .option('--sample <n>', 'only n random lines, always the same ones', parseCount)
    .option('--shard <i/n>', 'only part i of n, by a hash of the ids', parseShard)
    .option('--failed-of <output>', 'only the requests that failed in an earlier output');
  addRequestFlags(command, backends)
    .option('--json', 'one JSON object instead of text', false)
    .addHelpText(
      'after',
      helpText([
        'llmbatch convert people.csv --to anthropic -m claude-haiku-4-5 --max-tokens 200 --prompt-template @prompt.txt',
        'llmbatch convert requests.jsonl --to openai -m gpt-5-mini --failed-of requests.results.jsonl',
      ]),
    );
  const given = noteFlags(command, backends);
  command.action(async (input: string, flags: Omit<ConvertFlags, 'given'>) => {
    const { convertInput } = await import('./run.ts');
    onExit(await convertInput(input, { ...flags, given: given() }));
  });
}
