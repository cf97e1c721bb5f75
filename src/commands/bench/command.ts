import type { Command } from 'commander';
import type { BackendDefinition } from '../../core/backend.ts';
import { UsageError } from '../../core/errors.ts';
import { type BenchFlags, addBenchFlags, exampleEngines } from './flags.ts';
import { noteFlags } from '../shared/given-flags.ts';
import { helpText } from '../shared/help-text.ts';

export function addBenchCommand(
  program: Command,
  backends: readonly BackendDefinition[],
  onExit: (code: number) => void,
): void {
  const command = program
    .command('bench')
    .summary('measure settings with your own requests, and save the best')
    .description(
      'Measures how fast your own requests run with each setting (workers, engines, strategies, options), explains the result, and saves the best setting for `run --workers auto`. Every trial is saved when it ends. The exit code is 3 if a trial or a stability check fails.',
    )
    .argument('[input]', 'a JSONL or CSV file, or - (default: the bundled candidates)');
  addBenchFlags(command, backends).addHelpText(
    'after',
    helpText([
      'llmbatch bench --workers 1,2,4,8',
      'llmbatch bench questions.jsonl -m gemma-3-4b.gguf --workers 2,4,8\n--budget 30m',
      `llmbatch bench questions.jsonl --project 170000\n--backends ${exampleEngines(backends)}`,
      'llmbatch bench questions.jsonl --sizes 5000 --batches 3 --workers 4',
      'llmbatch bench --resume',
    ]),
  );
  const given = noteFlags(command, backends);
  command.action(async (input: string | undefined, flags: Omit<BenchFlags, 'given'>) => {
    refuseBeside(command, flags);
    const { runBenchCommand } = await import('./run.ts');
    onExit(await runBenchCommand(input ?? null, { ...flags, given: given() }, backends));
  });
}

/** What goes with a bench that is there: what its report is made of, and how it talks. */
const withOld = new Set(
  ['resume', 'report', 'project', 'priceIn', 'priceOut', 'weights', 'json', 'progress', 'verbose', 'onEnd'].concat([
    'vramDelta',
    'vramLeak',
    'rateVariance',
    'maxReloads',
    'minSuccess',
  ]),
);

/** A bench goes on as it was planned, and is read as it was measured. */
function refuseBeside(command: Command, { resume, report }: Pick<BenchFlags, 'resume' | 'report'>): void {
  if (resume === undefined && report === undefined) return;
  const isGiven = (name: string): boolean => command.getOptionValueSource(name) === 'cli';
  const stray = command.options.find(
    (option) => isGiven(option.attributeName()) && !withOld.has(option.attributeName()),
  );
  if (stray === undefined && command.args.length === 0) return;
  throw new UsageError(
    `${resume === undefined ? '--report reads a bench as it is' : '--resume goes on as the bench was planned'}: ${stray === undefined ? 'no input' : `no ${stray.long}`} beside it`,
    'Start a new bench without it.',
  );
}
