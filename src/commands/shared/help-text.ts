/** The end of every `--help`. */
const exitCodesHelp = `
Exit codes:
  0  all succeeded (or the reader of stdout closed the pipe)
  1  a bug in llmbatch
  2  usage or input
  3  finished, some requests failed
  4  the engine is unusable (resumable)
  5  the output can't be used: locked, disk full, another run's
  129, 130, 143  interrupted: the terminal was closed, Ctrl-C, SIGTERM (resumable)`;

/** Text below the flags of a command's `--help`. */
export const helpText = (examples: readonly string[]): string =>
  `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}\n${exitCodesHelp}\n`;
