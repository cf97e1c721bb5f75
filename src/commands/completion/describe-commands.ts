import type { Argument, Command, Option } from 'commander';

/** What a word of the command line can be: one of these words, a path, or neither where it is free text. */
export interface CompletedValue {
  words: readonly string[];
  isPath: boolean;
}

export interface CompletedFlag {
  /** `-o`; null where there is none. */
  short: string | null;
  /** `--output` */
  long: string;
  help: string;
  /** Null where a flag takes no value, or can do without. */
  value: CompletedValue | null;
}

export interface CompletedCommand {
  name: string;
  help: string;
  flags: CompletedFlag[];
  argument: CompletedValue;
}

/** Describes the commands of the program for the completion of a shell. `engines`: the words that `-b` takes. */
export const describeCommands = (program: Command, engines: readonly string[]): CompletedCommand[] =>
  program.commands.map((command) => ({
    name: command.name(),
    help: shorten(command.summary()),
    flags: [...command.options.map((option) => describeFlag(option, engines)), helpFlag],
    argument: describeArgument(command.registeredArguments[0]),
  }));

const helpFlag: CompletedFlag = { short: '-h', long: '--help', help: 'help', value: null };

const noWords: CompletedValue = { words: [], isPath: false };

function describeFlag(option: Option, engines: readonly string[]): CompletedFlag {
  const { short = null, long = '', flags, description, required } = option;
  const words = option.argChoices ?? (long === '--backend' ? ['auto', ...engines] : []);
  // Where a text may stand, `@` and a path may too, which a shell completes as a path.
  const isPath = words.length === 0 && /<[^>]*\b(?:file|folder|path|model|output|text)\b/.test(flags);
  return { short, long, help: shorten(description), value: required ? { words, isPath } : null };
}

function describeArgument(argument: Argument | undefined): CompletedValue {
  if (argument === undefined) return noWords;
  const { argChoices: words = [] } = argument;
  return { words, isPath: words.length === 0 && /^(?:input|output)$/.test(argument.name()) };
}

const maxHelp = 60;

/** The beginning of a help text, in letters that mean nothing to any shell. */
function shorten(help: string): string {
  const text = help.replaceAll(/[^\w\s.,/%-]/g, '');
  return text.length > maxHelp ? `${text.slice(0, maxHelp).replace(/\s\S*$/, '')} ...` : text;
}
