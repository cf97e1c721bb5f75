import { relative } from 'node:path';
import { quoteForShell } from './format.ts';

/** A flag of a command line, with its value as it was typed. */
export interface GivenFlag {
  /** `--model` */
  name: string;
  /** `['--model', 'x.gguf']` */
  words: readonly string[];
  /** Whether it says what the requests are: `validate` takes these flags too. */
  isOfRequests: boolean;
}

/** A command that can be pasted into a shell, with the flags behind its words. */
export function commandLine(words: readonly string[], flags: readonly GivenFlag[] = []): string {
  return [...words, ...flags.flatMap((flag) => flag.words)].map(quoteForShell).join(' ');
}

/** The command that shows every bad line of an input as a run with these flags sees it. */
export function validateCommand(input: string, flags: readonly GivenFlag[] = []): string {
  const pipe = input === '-' ? '... | ' : '';
  const taken = flags.filter(({ isOfRequests }) => isOfRequests);
  return `${pipe}${commandLine(['llmbatch', 'validate', input], taken)}`;
}

/** The command that writes the answers of an output as a table beside it. */
export const exportCommand = (output: string): string =>
  `llmbatch export ${pathWord(output)} -o ${pathWord(`${output.replace(/\.jsonl$/, '')}.csv`)}`;

/** The command that joins the outputs of all shards into one, beside the output of one of them. */
export function mergeCommand(output: string, shards: number): string {
  const stem = output.replace(/\.\d+-of-\d+\.jsonl$/, '');
  // The star stands outside of any quotes, for the shell to see it.
  return `llmbatch merge ${pathWord(stem)}.*-of-${shards}.jsonl -o ${pathWord(`${stem}.jsonl`)}`;
}

/** The command that joins an output and those of what failed in it, beside the first one. */
export const mergeRetriesCommand = (outputs: readonly string[]): string =>
  `llmbatch merge ${outputs.map(pathWord).join(' ')} -o ${pathWord(`${(outputs[0] ?? '').replace(/\.jsonl$/, '')}.merged.jsonl`)}`;

/** A path as a word of a command that is typed in this folder. */
export function pathWord(path: string): string {
  const near = relative(process.cwd(), path);
  return quoteForShell(near === '' || near.startsWith('..') ? path : near);
}
