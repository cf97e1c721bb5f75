import type { CompletedCommand, CompletedFlag, CompletedValue } from './describe-commands.ts';

/** The script that completes llmbatch in fish. */
export const fishScript = (commands: readonly CompletedCommand[]): string =>
  [
    '# Completion of llmbatch for fish.',
    'complete -c llmbatch -f',
    ...commands.map(({ name, help }) => `complete -c llmbatch -n __fish_use_subcommand -a ${name} -d '${help}'`),
    ...commands.flatMap(ofCommand),
    '',
  ].join('\n');

function ofCommand({ name, flags, argument }: CompletedCommand): string[] {
  const head = `complete -c llmbatch -n '__fish_seen_subcommand_from ${name}'`;
  const isFree = argument.words.length === 0 && !argument.isPath;
  return [...flags.map((flag) => `${head}${flagWords(flag)}`), ...(isFree ? [] : [`${head}${valueWords(argument)}`])];
}

const flagWords = ({ short, long, help, value }: CompletedFlag): string =>
  [
    ...(short === null ? [] : [` -s ${short.slice(1)}`]),
    ` -l ${long.slice(2)} -d '${help}'`,
    ...(value === null ? [] : [' -r', valueWords(value)]),
  ].join('');

const valueWords = ({ words, isPath }: CompletedValue): string => {
  if (isPath) return ' -F';
  return words.length === 0 ? ' -f' : ` -f -a '${words.join(' ')}'`;
};
