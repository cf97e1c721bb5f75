import type { CompletedCommand, CompletedValue } from './describe-commands.ts';

/** The script that completes llmbatch in bash, from 3.2 on. */
export const bashScript = (commands: readonly CompletedCommand[]): string => `# Completion of llmbatch for bash.
_llmbatch() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} words= path= at= IFS=$'\\n'
  # bash takes --mode=x for three words.
  if [[ $cur == = ]]; then cur=
  elif [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi
  if ((COMP_CWORD == 1)); then words=${quoted(commands.map(({ name }) => name))}
  else case "\${COMP_WORDS[1]} $prev" in
${commands.flatMap(valueCases).join('\n')}
    *) case "\${COMP_WORDS[1]} $cur" in
${commands.flatMap(wordCases).join('\n')}
    esac ;;
  esac fi
  if [[ -n $path ]]; then
    compopt -o filenames 2>/dev/null
    [[ $cur == @* ]] && at=@
    COMPREPLY=($(compgen -P "$at" -f -- "\${cur#@}"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
  fi
}
complete -F _llmbatch llmbatch
`;

/** Words with line ends between them, as the script splits them. */
const quoted = (words: readonly string[]): string => `$'${words.join(String.raw`\n`)}'`;

const assignment = ({ words, isPath }: CompletedValue): string => (isPath ? 'path=1' : `words=${quoted(words)}`);

/** What stands behind a flag that takes a value. */
const valueCases = ({ name, flags }: CompletedCommand): string[] =>
  flags.flatMap(({ short, long, value }) =>
    value === null
      ? []
      : [`    ${short === null ? '' : `'${name} ${short}' | `}'${name} ${long}') ${assignment(value)} ;;`],
  );

/** What stands elsewhere: a flag, or an argument. */
const wordCases = ({ name, flags, argument }: CompletedCommand): string[] => [
  `      '${name} -'*) words=${quoted(flags.map(({ long }) => long))} ;;`,
  `      '${name} '*) ${assignment(argument)} ;;`,
];
