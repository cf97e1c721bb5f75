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
  return command
    .addOption(
      new Option(
        '--format <format>',
        'of the input (default: auto, found by its name and its first bytes); text: one prompt a line',
      ).choices(['auto', 'jsonl', 'json', 'csv', 'tsv', 'text', 'parquet']),
    )
    .option(
      '--delimiter <character>',
      'between the cells of a CSV: one character, or tab (default: found in its header)',
      parse.parseDelimiter,
    )
    .option('--encoding <name>', 'of the input, such as windows-1252 or utf-16le (default: utf-8)')
    .option('--id-field <name>', "field that holds a row's id (default: custom_id, else id)")
    .option('--allow-empty-fields', 'a field that the prompt template prints may be null or empty', false)
    .option('--limit <n>', 'only the first n lines', parse.parseCount);
}

/** Flags about what the requests are. */
export function addRequestFlags(command: Command, backends: readonly BackendDefinition[]): Command {
  addInputFlags(command)
    .option('--preset <name>', 'settings of this name in llmbatch.json (see: llmbatch help settings)')
    .option(
      '-b, --backend <name>',
      `the engine: ${backendNames(backends)}; auto takes the first that serves the model`,
      'auto',
    )
    .option('-m, --model <model>', `the model${modelForms(backends)}; replaces the model that a line names`)
    .option('--system <text>', 'system prompt for lines without their own; @file reads it from a file')
    .option('--prompt-template <text>', 'Mustache template over the fields of a row; @file reads it from a file')
    .option(
      '--schema <file|json>',
      'JSON schema that every answer must satisfy, as a file or as it is, bare or in a wrapper of OpenAI',
    );
  return addSamplingFlags(command, backends);
}

export const addSamplingFlags = (command: Command, backends: readonly BackendDefinition[]): Command =>
  command
    .option(
      '--temperature <number>',
      `for lines without their own (default: ${temperatures(backends)}the model's own)`,
      parse.parseNumber,
    )
    .option('--max-tokens <n>', 'longest answer, for lines without their own', parse.parseCount)
    .option('--top-p <number>', 'for lines without their own', parse.parseNumber)
    .option('--seed <n>', 'for lines without their own', parse.parseInteger)
    .option('--stop <text>', 'ends an answer; repeatable', parse.collectText, [])
    .option(
      '--think <how>',
      "a model's thinking, for lines without their own: off, on, low, medium, high, or its most tokens; what a model or its engine can't do is refused",
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
      `Jinja template in place of the model's own (${templateEngines(backends)}): a file, or one of ${templateNames.join(', ')}`,
    )
    .option('--sample <n>', 'only n random lines, always the same ones', parse.parseCount);
  return addLeniencyFlags(command);
}

/** Flags about which answers are accepted, and the engine's own. */
export const addLeniencyFlags = (command: Command): Command =>
  command
    .option(
      '--option <key=value>',
      "an option of the backend's own; repeatable (see: llmbatch backends)",
      parse.collectOption,
      {},
    )
    .addOption(
      new Option(
        '--control-tokens <how>',
        "control tokens spelled out in a request's text: kept as text (where only a server could do that, the line fails), or let through",
      )
        .choices(['text', 'allow'])
        .default('text'),
    )
    .option('--allow-truncated', 'an answer cut at max_tokens is a success', false)
    .option('--allow-empty-answers', 'an answer that says nothing (blanks, thinking alone) is a success', false)
    .option(
      '--allow-repetition',
      'an answer that repeats itself without end, for 512 tokens and more, is not stopped; one that is not streamed never is',
      false,
    );

export function addConversationFlags(command: Command): Command {
  return command
    .option(
      '--trim-every <n>',
      'conversation: trim the history after so many turns',
      parse.parseCount,
      defaultConversation.trimEvery,
    )
    .option(
      '--keep-messages <n>',
      'conversation: messages that a trim keeps, in whole turns',
      parse.parseCountOrZero,
      defaultConversation.keepMessages,
    )
    .option(
      '--trim-tokens <n>',
      'conversation: trim when prompt and answer reach so many tokens',
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
    .option('--background', 'send nothing new to a server while others use it, where it tells')
    .option('--no-background', 'of a resumed run: send whoever else uses the server')
    .option(
      '--hours <hours>',
      'hours in which the run works, by the local time: 22-07, 22:30-7, 12-13,20-24; outside of them it is paused (default: always)',
      parse.parseHoursFlag,
    );

export function addRunnerFlags(command: Command, backends: readonly BackendDefinition[]): Command {
  addSharingFlags(addEngineFlags(command, backends))
    .option(
      '--workers <n|auto>',
      'requests in flight (default: auto, what a bench found best, else what the engine suggests)',
      parse.parseWorkersFlag,
    )
    .option('--retries <n>', 'tries after the first one, for transient failures (default: 3)', parse.parseCountOrZero)
    .option('--retry-on <kinds>', 'retry these too, with commas: schema-invalid, truncated, empty', (text: string) =>
      text.split(','),
    )
    .option(
      '--timeout <duration>',
      'longest time for one try, without the wait in a queue of the engine (default: none)',
      parse.parseDuration,
    )
    .option('--stall-timeout <duration>', 'longest silence of the engine (default: 5m)', parse.parseDuration)
    .option(
      '--drain-timeout <duration>',
      'after the first Ctrl-C, longest wait for what is in flight (default: 30s)',
      parse.parseDuration,
    )
    .option(
      '--max-error-rate <share>',
      'stop when more of the last 100 requests failed; 1: never (default: 0.5)',
      parse.parseShare,
    )
    .addOption(
      new Option('--fsync <how>', 'group: every 250 ms or 64 results; always: at once; none (default: group)').choices([
        'group',
        'always',
        'none',
      ]),
    )
    .addOption(
      new Option('--order <order>', 'of the finished output (default: input)').choices(['input', 'completion']),
    )
    .addOption(
      new Option('--retry-failed <which>', 'failed requests of earlier sessions to try again')
        .choices(['all', 'transient', 'none'])
        .default('transient'),
    )
    .option('--allow-drift', 'go on though a setting, the model or the input changed; recorded in the manifest', false);
  return addTalkFlags(command);
}

/** Flags about what a run says of itself, and how. */
function addTalkFlags(command: Command): Command {
  return command
    .addOption(
      new Option('--progress <how>', 'the live display on stderr')
        .choices(['auto', 'bar', 'plain', 'json', 'none'])
        .default('auto'),
    )
    .option(
      '--on-end <command>',
      'run by sh at the end, however it ends, with the summary as JSON on its stdin; it has 60 s, and changes nothing',
    )
    .option('-v, --verbose', 'tell also why the engine, the mode and the workers were chosen', false)
    .option('--json', 'print the summary as JSON on stdout at the end', false);
}
