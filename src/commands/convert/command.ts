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
    .summary('convert an input to batch files for a hosted service')
    .description(
      'Converts an input to batch files for a hosted service, with the requests that `run` with the same flags would send. Splits the files at the limits of the service, and prints the commands that send them and download the results. `merge` joins the results. A line with a key that the service does not support is refused, and the message names the key. Sends nothing and needs no key of the service. The exit code is 3 if a line was refused.',
    )
    .argument('<input>', 'a JSONL or CSV file, or -')
    .addOption(
      new Option('--to <service>', 'the hosted service')
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
        'llmbatch convert people.csv --to anthropic -m claude-haiku-4-5\n--max-tokens 200 --prompt-template @prompt.txt',
        'llmbatch convert questions.jsonl --to openai -m gpt-5-mini\n--failed-of questions.results.jsonl',
      ]),
    );
  const given = noteFlags(command, backends);
  command.action(async (input: string, flags: Omit<ConvertFlags, 'given'>) => {
    const { convertInput } = await import('./run.ts');
    onExit(await convertInput(input, { ...flags, given: given() }));
  });
}
