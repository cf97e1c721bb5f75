import type { Command } from 'commander';
import type { BackendDefinition } from '../../core/backend.ts';
import { noteFlags } from '../shared/given-flags.ts';
import { helpText } from '../shared/help-text.ts';
import { addReuseFlags } from './reuse-flags.ts';
import type { RunFlags } from './run.ts';
import { collectPriority, parseSample, parseShard } from '../shared/parse-values.ts';
import { addAnswerFlags, addConversationFlags, addRunnerFlags } from '../shared/run-flags.ts';

export function addRunCommand(
  program: Command,
  backends: readonly BackendDefinition[],
  onExit: (code: number) => void,
): void {
  const command = program
    .command('run')
    .summary('answer each input and write its output')
    .description(
      'Runs each input (a JSONL or CSV file, or - for standard input) through a local engine. The output is the checkpoint: the same command, or `llmbatch resume`, continues a stopped run.',
    )
    .argument('[input...]', 'files, or -; several run one after the other, and the model stays loaded')
    .option(
      '-o, --output <file>',
      'results; - is stdout (default: <input>.results.jsonl beside the input; stdout for -)',
    )
    .option('--overwrite', 'start again and replace an earlier run', false)
    .option('--strict', 'exit with code 2 if a line is invalid; send nothing then', false)
    .option('--dry-run', 'show the first request and the chosen engine, mode and workers; send nothing', false)
    .option(
      '--estimate [n|time]',
      'time a sample (200 or n requests in at most 60 s, or as many as fit into a given time) and estimate the time for all; write nothing',
      parseSample,
    )
    .option(
      '--shard <i/n>',
      'only part i of n, by a hash of the ids, after --limit and --sample. Results: <input>.results.i-of-n.jsonl; merge joins them',
      parseShard,
    )
    .option('--priority <input=number>', 'run inputs with higher numbers first; repeatable', collectPriority, {});
  addReuseFlags(command);
  addRunnerFlags(addConversationFlags(addAnswerFlags(command, backends)), backends).addHelpText(
    'after',
    helpText([
      'llmbatch run questions.jsonl',
      'llmbatch run questions.jsonl -m gemma-3-4b.gguf --workers 8',
      'llmbatch run --failed-of questions.results.jsonl -m gemma-3-12b.gguf',
      'llmbatch run people.csv -m gemma-3-4b.gguf --system @rubric.txt\n--prompt-template "Candidate: {{name}}, {{skills}}"',
      'cat questions.jsonl | llmbatch run - -m model.gguf\n| jq .response.body.choices[0].message.content',
    ]),
  );
  const given = noteFlags(command, backends);
  command.action(async (inputs: string[], flags: Omit<RunFlags, 'given' | 'said'>) => {
    const { runInputs } = await import('./run.ts');
    const said = Object.entries(flags).filter(([name]) => command.getOptionValueSource(name) === 'cli');
    onExit(await runInputs(inputs, { ...flags, given: given(), said: Object.fromEntries(said) }, backends));
  });
}
