import { type Command, Option } from 'commander';
import type { Thinking } from '../../core/thinking.ts';
import { type AnswerSettings, type VramLimit, defaultConversation } from '../../core/settings.ts';
import type { BackendDefinition } from '../../core/backend.ts';
import { templateNames } from '../../core/chat-templates/named-templates.ts';
import { addEngineFlags } from './connection/flags.ts';

import { backendNames, modelForms, templateEngines, temperatures } from './help-text.ts';
import * as parse from './parse-values.ts';

/** What the flags shared by `run` and `resume` leave in commander's hands: how a run is carried out. */
export interface RunnerFlags {
  servers?: string;
  workers?: number | 'auto';
  retries?: number;
  retryOn?: string[];
  timeout?: number;
  stallTimeout?: number;
  drainTimeout?: number;
  maxErrorRate?: number;
  background?: boolean;
  hours?: string;
  unload?: boolean;
  vramLimit?: VramLimit;
  forceHistories?: boolean;
  fsync?: 'group' | 'always' | 'none';
  order?: 'input' | 'completion';
  retryFailed: 'all' | 'transient' | 'none';
  allowDrift: boolean;
  progress: 'auto' | 'bar' | 'plain' | 'json' | 'none';
  verbose: boolean;
  json: boolean;
  onEnd?: string;
  isKeyless?: boolean;
}

/** The flags that say how an input is read, the same for each command that reads one. */
interface InputFlags {
  format?: AnswerSettings['format'];
  delimiter?: string;
  encoding?: string;
  idField?: string;
  allowEmptyFields: boolean;
  limit?: number;
}

/** The flags that say what the requests of an input are: a run sends them, and `validate` checks them. */
export interface RequestFlags extends InputFlags {
  backend: string;
  model?: string;
  system?: string;
  promptTemplate?: string;
  schema?: string;
  temperature?: number;
  maxTokens?: number;
  topP?: number;
  seed?: number;
  stop: string[];
  think?: Thinking;
}

/** The flags of `run` that shape the answers. */
export interface AnswerFlags extends RequestFlags {
  mode: 'auto' | 'independent' | 'conversation';
  chatTemplate?: string;
  option: parse.OptionValues;
  sample?: number;
  trimEvery: number;
  keepMessages: number;
  trimTokens: number;
  contextWindow: number;
  controlTokens: 'text' | 'allow';
  allowTruncated: boolean;
  allowEmptyAnswers: boolean;
  allowRepetition: boolean;
}

/** Flags about how the input is read. */
function addInputFlags(command: Command): Command {
  const first = command
    .addOption(
      new Option(
        '--format <format>',
        'of the input (default: auto, detected from its name and its first bytes); text: one prompt per line',
      ).choices(['auto', 'jsonl', 'json', 'csv', 'tsv', 'text', 'parquet']),
    )
    .option(
      '--delimiter <character>',
      'between the cells of a CSV: one character, or tab (default: detected from its header)',
      parse.parseDelimiter,
    )
    .option('--encoding <name>', 'of the input, such as windows-1252 or utf-16le (default: utf-8)')
    .option('--id-field <name>', 'field with the id of a row (default: custom_id, else id)');
  return addEmptyFieldsFlag(first).option('--limit <n>', 'only the first n lines', parse.parseCount);
}

export const addEmptyFieldsFlag = (command: Command): Command =>
  command.option('--allow-empty-fields', 'a field that the prompt template inserts may be null or empty', false);

/** Flags about what the requests are. */
export function addRequestFlags(command: Command, backends: readonly BackendDefinition[]): Command {
  addInputFlags(command)
    .option('--preset <name>', 'a preset of llmbatch.json (see: llmbatch help settings)')
    .option(
      '-b, --backend <name>',
      `the engine: ${backendNames(backends)}; auto uses the first that has the model`,
      'auto',
    )
    .option('-m, --model <model>', `the model${modelForms(backends)}; overrides the model in the lines`)
    .option('--system <text>', 'system prompt for lines that have none; @file reads it from a file')
    .option(
      '--prompt-template <text>',
      'Mustache template, filled with the fields of a row; @file reads it from a file',
    )
    .option('--schema <file|json>', 'JSON schema that every answer must satisfy: a file or the JSON itself');
  return addSamplingFlags(command, backends);
}

export const addSamplingFlags = (command: Command, backends: readonly BackendDefinition[]): Command =>
  command
    .option(
      '--temperature <number>',
      `temperature for lines that set none (default: ${temperatures(backends)}the model's own)`,
      parse.parseNumber,
    )
    .option('--max-tokens <n>', 'maximum answer length, for lines that set none', parse.parseCount)
    .option('--top-p <number>', 'top_p for lines that set none', parse.parseNumber)
    .option('--seed <n>', 'seed for lines that set none', parse.parseInteger)
    .option('--stop <text>', 'text that ends an answer; repeatable', parse.collectText, [])
    .option(
      '--think <how>',
      "thinking, for lines that set none: off, on, low, medium, high, or a maximum number of tokens; refused if the model or the engine can't do it",
      parse.parseThinking,
    );

export function addAnswerFlags(command: Command, backends: readonly BackendDefinition[]): Command {
  addRequestFlags(command, backends)
    .addOption(
      new Option('--mode <mode>', 'how requests that share a system prompt are sent')
        .choices(['auto', 'independent', 'conversation'])
        .default('auto'),
    )
    .option(
      '--chat-template <file|name>',
      `Jinja template that replaces the model's own (${templateEngines(backends)}): a file, or one of ${templateNames.join(', ')}`,
    )
    .option('--sample <n>', 'only n random lines, always the same ones', parse.parseCount);
  return addLeniencyFlags(command);
}

/** Flags about which answers are accepted, and the engine's own. */
export const addLeniencyFlags = (command: Command): Command =>
  command
    .option(
      '--option <key=value>',
      'an option of the engine; repeatable (see: llmbatch backends)',
      parse.collectOption,
      {},
    )
    .addOption(
      new Option(
        '--control-tokens <how>',
        'names of control tokens in the text of a request: text keeps them as text, and a line fails if its server cannot do that; allow lets them act as control tokens',
      )
        .choices(['text', 'allow'])
        .default('text'),
    )
    .option('--allow-truncated', 'accept answers that were cut at max_tokens', false)
    .option('--allow-empty-answers', 'accept answers without content (blanks, thinking alone)', false)
    .option(
      '--allow-repetition',
      'do not stop answers that repeat themselves for 512 tokens or more; answers that are not streamed are never stopped',
      false,
    );

export function addConversationFlags(command: Command): Command {
  return command
    .option(
      '--trim-every <n>',
      'conversation: trim the history after this many turns',
      parse.parseCount,
      defaultConversation.trimEvery,
    )
    .option(
      '--keep-messages <n>',
      'conversation: number of messages that a trim keeps, in whole turns',
      parse.parseCountOrZero,
      defaultConversation.keepMessages,
    )
    .option(
      '--trim-tokens <n>',
      'conversation: trim when prompt and answer reach this many tokens',
      parse.parseCount,
      defaultConversation.trimTokens,
    )
    .option(
      '--context-window <n>',
      'conversation: context window in tokens',
      parse.parseCount,
      defaultConversation.contextTokens,
    );
}

/** Flags about how a run leaves the machine to others. */
const addSharingFlags = (command: Command): Command =>
  command
    .option('--background', 'send no new requests to a server while others use it, if the server reports its load')
    .option('--no-background', 'for a resumed run: send requests even if others use the server')
    .option(
      '--hours <hours>',
      'hours in which the run works, in local time: 22-07, 22:30-7, 12-13,20-24; outside these hours it is paused (default: always)',
      parse.parseHoursFlag,
    );

export function addRunnerFlags(command: Command, backends: readonly BackendDefinition[]): Command {
  addSharingFlags(addEngineFlags(command, backends))
    .option(
      '--workers <n|auto>',
      'number of requests in flight (default: auto, the best number of a bench, else the number that the engine suggests)',
      parse.parseWorkersFlag,
    )
    .option('--retries <n>', 'retries after a temporary failure (default: 3)', parse.parseCountOrZero)
    .option('--retry-on <kinds>', 'also retry, separated by commas: schema-invalid, truncated, empty', (text: string) =>
      text.split(','),
    )
    .option(
      '--timeout <duration>',
      "maximum time for one attempt, without the time in the engine's queue (default: none)",
      parse.parseDuration,
    )
    .option('--stall-timeout <duration>', 'maximum silence of the engine (default: 5m)', parse.parseDuration)
    .option(
      '--drain-timeout <duration>',
      'maximum wait for requests in flight after the first Ctrl-C (default: 30s)',
      parse.parseDuration,
    )
    .option(
      '--max-error-rate <share>',
      'stop if a larger share of the last 100 requests failed; 1: never (default: 0.5)',
      parse.parseShare,
    )
    .addOption(
      new Option(
        '--fsync <how>',
        'sync to disk: group (every 250 ms or 64 results), always, none (default: group)',
      ).choices(['group', 'always', 'none']),
    )
    .addOption(
      new Option('--order <order>', 'order of the finished output (default: input)').choices(['input', 'completion']),
    )
    .addOption(
      new Option('--retry-failed <which>', 'which failed requests to try again')
        .choices(['all', 'transient', 'none'])
        .default('transient'),
    )
    .option('--allow-drift', 'continue although a setting, the model or the input changed', false);
  return addTalkFlags(command);
}

/** Flags about what a run says of itself, and how. */
function addTalkFlags(command: Command): Command {
  return command
    .addOption(
      new Option('--progress <how>', 'progress display on stderr')
        .choices(['auto', 'bar', 'plain', 'json', 'none'])
        .default('auto'),
    )
    .option(
      '--on-end <command>',
      'run this command with sh at the end, after success or failure, with the summary as JSON on its stdin; it may take 60 s',
    )
    .option('-v, --verbose', 'also print why the engine, mode and workers were chosen', false)
    .option('--json', 'print the summary as JSON on stdout at the end', false);
}
