import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Strategy, strategies } from '../../bench/records/records.ts';
import type { BackendDefinition } from '../../core/backend.ts';
import type { GivenFlag } from '../../text/command-line.ts';
import { addEngineFlags } from '../shared/connection/flags.ts';
import type { Summary } from '../run/on-end.ts';
import * as parse from '../shared/parse-values.ts';
import { type AnswerFlags, type RunnerFlags, addAnswerFlags, addConversationFlags } from '../shared/run-flags.ts';

/** What the flags of `bench` leave in commander's hands. */
export interface BenchFlags extends AnswerFlags, Omit<RunnerFlags, 'workers'> {
  workers?: (number | null)[];
  sizes?: number[];
  backends?: string[];
  strategies?: Strategy[];
  options: Record<string, (string | number | boolean)[]>;
  repeat?: number;
  batches?: number;
  orderSeed: number;
  budget?: number;
  name?: string;
  output?: string;
  resume?: string | true;
  report?: string;
  project?: number[];
  priceIn?: number;
  priceOut?: number;
  weights?: Record<string, number>;
  vramDelta?: number;
  vramLeak?: number;
  rateVariance?: number;
  maxReloads?: number;
  minSuccess?: number;
  given: readonly GivenFlag[];
  onSummary?: (summary: Summary) => void;
}

export function addBenchFlags(command: Command, backends: readonly BackendDefinition[]): Command {
  addStabilityFlags(addReportFlags(addMatrixFlags(command, backends)))
    .option(
      '--budget <duration>',
      'maximum time for the bench; each setting is tried once before any is repeated (default: 30m, none with --sizes)',
      parse.parseDuration,
    )
    .option('--name <name>', 'name of the folder: bench-results/<date>-<name>')
    .option('-o, --output <folder>', 'the whole path of the folder')
    .option('--resume [folder]', 'continue a stopped bench (default: the newest in bench-results)')
    .option('--report <folder>', 'render the report of a bench again; sends nothing');
  return addCarryFlags(addConversationFlags(addAnswerFlags(command, backends)), backends);
}

function addMatrixFlags(command: Command, backends: readonly BackendDefinition[]): Command {
  return command
    .option(
      '--workers <list>',
      'numbers of requests in flight, separated by commas; auto is allowed (default: 1,2,4,8)',
      listOf(parse.parseWorkers),
    )
    .option(
      '--sizes <list>',
      'numbers of requests in a trial, separated by commas (default: 2000, or the whole input if it is smaller); a trial ends earlier if the budget is used up',
      listOf(parse.parseCount),
    )
    .option(
      '--backends <list>',
      `engines with their models, separated by commas: ${exampleEngines(backends)} (default: -b and -m, or the choice of run)`,
      listOf((text) => text),
    )
    .option(
      '--strategies <list>',
      `ways to send requests, separated by commas: ${strategies.join(', ')} (default: from --mode)`,
      listOf(parseStrategy),
    )
    .option(
      '--options <key=values>',
      "an option of the engine's own, its values with commas; repeatable",
      collectValues,
      {},
    )
    .option('--repeat <n>', 'number of trials of each setting (default: 3; with --batches 1)', parse.parseCount)
    .option(
      '--batches <n>',
      'stability: number of batches of each setting, one after the other with the model loaded',
      parse.parseCount,
    )
    .option('--order-seed <n>', 'random seed for the order of the trials', parse.parseCountOrZero, 1);
}

/** Two engines with a model each, as `--backends` names them. */
export const exampleEngines = (backends: readonly BackendDefinition[]): string =>
  backends
    .flatMap(({ name, exampleModel }) => (exampleModel === undefined ? [] : [`${name}:${exampleModel}`]))
    .slice(0, 2)
    .join(',');

function addReportFlags(command: Command): Command {
  return command
    .option(
      '--project <list>',
      'estimate hours, tokens, energy and cost for these numbers of requests, separated by commas',
      listOf(parse.parseCount),
    )
    .option('--price-in <number>', 'price of a million prompt tokens, to compare the cost', parse.parsePrice)
    .option('--price-out <number>', 'price of a million completion tokens', parse.parsePrice)
    .option(
      '--weights <list>',
      'weights for the comparison of engines, such as reliability=50,simplicity=5 (default: performance 40, reliability 30, resources 20, simplicity 10)',
      parseWeights,
    );
}

/** Limits of `--batches`: the exit code is 3 where a batch is beyond one. */
function addStabilityFlags(command: Command): Command {
  return command
    .option(
      '--vram-delta <size>',
      'with --batches: maximum VRAM that one batch does not release (default: 500MB)',
      parse.parseSize,
    )
    .option('--vram-leak <size>', 'maximum growth of VRAM from batch to batch (default: 100MB)', parse.parseSize)
    .option(
      '--rate-variance <share>',
      'maximum difference between the rates of the batches (default: 10%)',
      parse.parseShare,
    )
    .option('--max-reloads <n>', 'maximum number of model loads after the first (default: 0)', parse.parseCountOrZero)
    .option('--min-success <share>', 'minimum share of requests that succeed (default: 100%)', parse.parseShare);
}

/** Flags of `run` that also tell how each trial is carried out. */
function addCarryFlags(command: Command, backends: readonly BackendDefinition[]): Command {
  return addEngineFlags(command, backends)
    .option('--retries <n>', 'as for run', parse.parseCountOrZero)
    .option('--timeout <duration>', 'as for run', parse.parseDuration)
    .option('--stall-timeout <duration>', 'as for run', parse.parseDuration)
    .option('--drain-timeout <duration>', 'as for run', parse.parseDuration)
    .option('--max-error-rate <share>', 'as for run', parse.parseShare)
    .addOption(
      new Option('--progress <how>', 'progress display on stderr')
        .choices(['auto', 'bar', 'plain', 'json', 'none'])
        .default('auto'),
    )
    .option('--on-end <command>', 'as for run')
    .option('-v, --verbose', 'as for run', false)
    .option('--json', 'print the analysis as JSON on stdout at the end', false);
}

const listOf =
  <Value>(parseOne: (text: string) => Value) =>
  (text: string): Value[] => {
    const words = text.split(',').map((word) => word.trim());
    if (words.includes('')) throw new InvalidArgumentError('Expected values with commas between them.');
    return [...new Set(words.map(parseOne))];
  };

function parseStrategy(text: string): Strategy {
  const found = strategies.find((strategy) => strategy === text);
  if (found === undefined) throw new InvalidArgumentError(`Expected some of ${strategies.join(', ')}.`);
  return found;
}

function collectValues(text: string, known: BenchFlags['options']): BenchFlags['options'] {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Expected key=value,value.');
  const key = text.slice(0, at);
  const values = listOf((word) => Object.values(parse.collectOption(`${key}=${word}`, {}))[0]!)(text.slice(at + 1));
  return { ...known, [key]: values };
}

function parseWeights(text: string): Record<string, number> {
  const pairs = listOf((word) => parse.collectPriority(word, {}))(text);
  return Object.assign({}, ...pairs) as Record<string, number>;
}
