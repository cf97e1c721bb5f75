import type { Command } from 'commander';
import type { BackendDefinition } from '../../core/backend.ts';
import { cutToColumns, padEndToColumns } from '../../text/columns.ts';
import { pathWord } from '../../text/command-line.ts';
import { printable } from '../../text/printable.ts';
import { connectionFlags } from '../shared/connection/flags.ts';
import { columnsOfStdout, printJsonObject, printText, tell } from '../shared/print.ts';
import { snakeCase } from '../shared/settings/resolve-settings.ts';
import { ownSettingsPath } from '../shared/settings/settings-file.ts';
import { describePlace, findSettings } from '../shared/settings/take-settings.ts';

export interface ConfigFlags {
  preset?: string;
  json: boolean;
}

interface Row {
  key: string;
  /** As the run takes it: times in milliseconds. */
  value: unknown;
  from: string;
  /** The file that it stands in; null for a variable. */
  file: string | null;
}

/** `llmbatch config`. */
export async function showConfig(
  program: Command,
  { preset = process.env['LLMBATCH_PRESET'] || undefined, json }: ConfigFlags,
  backends: readonly BackendDefinition[],
): Promise<void> {
  const { settings, files } = findSettings(program, preset ?? null, { backends, note: tell });
  const rows = [
    ...[...settings].map(([key, { value, place }]) => ({
      key,
      value,
      from: describePlace(place),
      file: place.file?.path ?? null,
    })),
    ...engineRows(backends).filter(({ key }) => !settings.has(key)),
  ];
  const presets = [...new Set(files.flatMap((file) => Object.keys(file.presets)))];
  const paths = files.map(({ path }) => path);
  if (json) {
    const shown = Object.fromEntries(rows.map(({ key, ...row }) => [key, row]));
    await printJsonObject({ settings: shown, preset: preset ?? null, presets, files: paths });
  } else {
    await printText(render(rows, presets, { files: paths, columns: columnsOfStdout() ?? defaultColumns }));
  }
}

/** What the variables of the engines say of their servers and programs. */
const engineRows = (backends: readonly BackendDefinition[]): Row[] =>
  connectionFlags(backends).flatMap(({ name, variable = '' }) => {
    const { [variable]: value = '' } = process.env;
    return value === '' ? [] : [{ key: snakeCase(name), value, from: variable, file: null }];
  });

const defaultColumns = 80;
/** Columns that are left to a value, however narrow the terminal is. */
const minColumns = 16;

function render(
  rows: readonly Row[],
  presets: readonly string[],
  { files, columns }: { files: readonly string[]; columns: number },
): string {
  const others =
    Math.max(0, ...rows.map(({ from }) => from.length)) + Math.max(0, ...rows.map(({ key }) => key.length));
  const maxColumns = Math.max(minColumns, columns - others - '      '.length);
  const cells = rows.map(({ key, value, from }) => [key, textOf(value, maxColumns), printable(from)] as const);
  const width = (column: 0 | 1): number => Math.max(0, ...cells.map((row) => row[column].length));
  const own = ownSettingsPath(process.env);
  return [
    rows.length === 0 ? 'Nothing is set here: a new run has its flags alone.' : 'A new run here has, without any flag:',
    ...cells.map(
      ([key, value, from]) => `  ${padEndToColumns(key, width(0))}  ${padEndToColumns(value, width(1))}  ${from}`,
    ),
    ...(files.length === 0 ? [`files    none; your own would be ${own}`] : []),
    ...files.map((path, at) => `${at === 0 ? 'files' : '     '}    ${printable(pathWord(path))}`),
    ...(presets.length === 0 ? [] : [`presets  ${presets.map((name) => printable(name)).join(', ')}`]),
    '',
  ].join('\n');
}

const textOf = (value: unknown, maxColumns: number): string =>
  cutToColumns(printable(typeof value === 'string' ? value : JSON.stringify(value)), maxColumns);
