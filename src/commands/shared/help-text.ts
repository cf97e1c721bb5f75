import type { BackendDefinition } from '../../core/backend.ts';

/** The end of every `--help`. */
export const exitCodesHelp = `
Exit codes:
  0  all succeeded (or the reader of stdout closed the pipe)
  1  a bug in llmbatch
  2  usage or input
  3  finished, some requests failed
  4  the engine is unusable (resumable)
  5  the output can't be used: locked, disk full, or of another run
  129, 130, 143  interrupted: terminal closed, Ctrl-C, SIGTERM (resumable)`;

/**
 * Text below the flags of a command's `--help`; `codes`: the text on its exit codes, where it has not all of them. An
 * example of several lines is shown as one command that continues.
 */
export const helpText = (examples: readonly string[], codes: string = exitCodesHelp): string =>
  `\nExamples:\n${examples.map((example) => `  $ ${example.replaceAll('\n', ' \\\n      ')}`).join('\n')}\n${codes}\n`;

/** The names of the engines, those that answer without a model last. */
export const backendNames = (backends: readonly BackendDefinition[]): string =>
  backends
    .toSorted((left, right) => Number(left.isSimulated === true) - Number(right.isSimulated === true))
    .map(({ name }) => name)
    .join(', ');

/** The names of the engines that take a chat template. */
export const templateEngines = (backends: readonly BackendDefinition[]): string =>
  backends
    .filter(({ chatTemplate }) => chatTemplate === true)
    .map(({ name }) => name)
    .join(', ');

/** What `-m` names for each engine where that is more than a name, in brackets. */
export function modelForms(backends: readonly BackendDefinition[]): string {
  const forms = backends.flatMap(({ name, modelForm }) =>
    modelForm === undefined ? [] : [`${modelForm} for ${name}`],
  );
  return forms.length === 0 ? '' : ` (${forms.join(', ')})`;
}

/** The temperatures that the engines take where none is given, before those of the others. */
export function temperatures(backends: readonly BackendDefinition[]): string {
  const own = backends.flatMap(({ name, defaultTemperature: value }) =>
    value === undefined ? [] : [`${name} ${value}`],
  );
  return own.length === 0 ? '' : `${own.join(', ')}, others `;
}
