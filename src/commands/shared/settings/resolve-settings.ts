import type { Option } from 'commander';
import type { BackendDefinition } from '../../../core/backend.ts';
import { UsageError } from '../../../core/errors.ts';
import { isRecord } from '../../../data/is-record.ts';
import { nearest } from '../../../text/nearest.ts';
import { connectionFlags, serverFlags } from '../connection/flags.ts';
import { type SettingPlace, settingValue, valueOfText } from './setting-value.ts';
import type { SettingsFile } from './settings-file.ts';

/** The value of a setting that counts, and where it stands. */
export interface RunSetting {
  option: Option;
  value: unknown;
  place: SettingPlace;
}

export interface SettingSources {
  /** The flags that can be set, by their keys. */
  options: ReadonlyMap<string, Option>;
  files: readonly SettingsFile[];
  environment: NodeJS.ProcessEnv;
  backends: readonly BackendDefinition[];
  /** Name of `--preset`; null: none. */
  preset: string | null;
}

/**
 * Finds what each setting is by the environment, the preset and the files, in this order; flags are not looked at. The keys of
 * `option` are taken one by one, all else as a whole.
 */
export function resolveSettings(sources: SettingSources): Map<string, RunSetting> {
  const found = new Map<string, RunSetting>();
  const servers = serverKeysOf(sources.backends);
  for (const layer of layersOf(sources).toReversed()) {
    // Who names servers names them all.
    if (servers.some((key) => key in layer.values)) for (const key of servers) found.delete(key);
    for (const [key, given] of Object.entries(layer.values)) {
      const setting = settingOf(key, given, layer.placeOf(key), sources);
      if (setting !== null) found.set(key, { ...setting, value: mergedValue(found.get(key)?.value, setting.value) });
    }
  }
  const order = [...sources.options.keys()];
  return new Map([...found].toSorted(([left], [right]) => order.indexOf(left) - order.indexOf(right)));
}

function settingOf(key: string, given: unknown, place: SettingPlace, sources: SettingSources): RunSetting | null {
  const option = sources.options.get(key);
  if (option === undefined || isNamedByEnvironment(key, place, sources)) return null;
  const value = settingValue(option, given, place);
  if (place.file?.isOwn === false) refuseFromFolder(key, value, place, sources.backends);
  return { option, place, value };
}

/** The later value; of two objects the keys of both. */
export const mergedValue = (before: unknown, value: unknown): unknown =>
  isRecord(value) && isRecord(before) ? { ...before, ...value } : value;

/** The settings that name servers: one of them takes the place of all. */
export const serverKeysOf = (backends: readonly BackendDefinition[]): string[] => [
  ...serverFlags(backends).map(({ name }) => snakeCase(name)),
  'servers',
];

export const snakeCase = (name: string): string => name.replaceAll(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);

interface Layer {
  values: Record<string, unknown>;
  placeOf: (key: string) => SettingPlace;
}

function layersOf(sources: SettingSources): Layer[] {
  const { files } = sources;
  const defaults = files.map((file) => layerOf(file, 'defaults', file.defaults));
  return [variablesLayer(sources), ...presetLayer(sources), ...defaults];
}

const layerOf = (file: SettingsFile, part: string, values: Record<string, unknown>): Layer => ({
  values,
  placeOf: (key) => ({ name: `${file.path}: ${part}.${key}`, file }),
});

function variablesLayer({ options, environment, backends }: SettingSources): Layer {
  const engineVariables = connectionFlags(backends).map(({ variable }) => variable);
  const values: Record<string, unknown> = {};
  for (const [key, option] of options) {
    const text = environment[variableOf(key)] ?? '';
    // A variable that an engine reads itself keeps its meaning.
    if (text !== '' && !engineVariables.includes(variableOf(key))) values[key] = valueOfText(option, text);
  }
  return { values, placeOf: (key) => ({ name: variableOf(key), file: null }) };
}

/** `LLMBATCH_MAX_TOKENS` for `max_tokens`. */
export const variableOf = (key: string): string => `LLMBATCH_${key.toUpperCase()}`;

function presetLayer({ files, preset }: SettingSources): Layer[] {
  if (preset === null) return [];
  const file = files.find(({ presets }) => Object.hasOwn(presets, preset));
  if (file !== undefined) return [layerOf(file, `presets.${preset}`, file.presets[preset] ?? {})];
  const names = files.flatMap(({ presets }) => Object.keys(presets));
  const near = nearest(preset, names);
  const all =
    names.length === 0
      ? 'No llmbatch.json here or above, nor your own, has a preset.'
      : `There are: ${names.join(', ')}.`;
  throw new UsageError(`--preset: no preset is called "${preset}"`, near === null ? all : `Did you mean ${near}?`);
}

/** The variable of an engine's own, such as the one that names its server, comes before any file. */
function isNamedByEnvironment(key: string, { file }: SettingPlace, { backends, environment }: SettingSources): boolean {
  const flag = connectionFlags(backends).find(({ name }) => snakeCase(name) === key);
  return file !== null && (environment[flag?.variable ?? ''] ?? '') !== '';
}

/** Refuses what a file of a folder must not say, since whoever wrote the folder wrote it. */
function refuseFromFolder(
  key: string,
  value: unknown,
  { name }: SettingPlace,
  backends: readonly BackendDefinition[],
): void {
  const why = whyNotFromFolder(key, value, backends);
  if (why === null) return;
  throw new UsageError(
    `${name}: it ${why}, which is not allowed in a file of a folder`,
    'Use a flag, a variable, or your own settings in $XDG_CONFIG_HOME/llmbatch/llmbatch.json.',
  );
}

function whyNotFromFolder(key: string, value: unknown, backends: readonly BackendDefinition[]): string | null {
  const names = connectionFlags(backends).find((flag) => snakeCase(flag.name) === key)?.names;
  if (key === 'on_end' || key === 'ray' || names === 'program') return 'sets what is executed';
  if (key === 'servers') return 'sets which keys go to which servers';
  if (key !== 'option' || !isRecord(value)) return null;
  const stray = Object.keys(value).find((option) => !isTuning(option, backends));
  return stray === undefined ? null : `sets the option ${stray}, which may name a program`;
}

/** An option that an engine describes tunes it, but for those that name programs; one behind its back can make it run code. */
const isTuning = (option: string, backends: readonly BackendDefinition[]): boolean =>
  !/(?:^|_)(?:server|program|command|trust)/.test(option) &&
  backends.some(({ optionsHelp }) => Object.hasOwn(optionsHelp, option));
