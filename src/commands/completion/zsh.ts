import type { CompletedCommand, CompletedFlag, CompletedValue } from './describe-commands.ts';

/** The script that completes llmbatch in zsh: to be sourced, or kept as `_llmbatch` in a folder of `$fpath`. */
export const zshScript = (commands: readonly CompletedCommand[]): string => `#compdef llmbatch
# Completion of llmbatch for zsh.
_llmbatch() {
  local -a commands
  commands=(
${commands.map(({ name, help }) => `    '${name}:${help}'`).join('\n')}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  shift words
  ((CURRENT--))
  case $words[1] in
${commands.map(commandCase).join('\n')}
  esac
}
if [[ $funcstack[1] == _llmbatch ]]; then
  _llmbatch "$@"
else
  compdef _llmbatch llmbatch
fi
`;

const commandCase = ({ name, flags, argument }: CompletedCommand): string =>
  `    ${name}) _arguments -S \\
${[...flags.map(flagSpec), `'*:argument:${action(argument)}'`].map((spec) => `      ${spec}`).join(' \\\n')} ;;`;

function flagSpec({ short, long, help, value }: CompletedFlag): string {
  const rest = `[${help}]${value === null ? '' : `:value:${action(value)}`}'`;
  return short === null ? `'*${long}${rest}` : `'*'{${short},${long}}'${rest}`;
}

function action({ words, isPath }: CompletedValue): string {
  if (isPath) return '_files';
  return words.length === 0 ? ' ' : `(${words.join(' ')})`;
}
