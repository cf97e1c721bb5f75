import { Command, type Option } from 'commander';
import type { BackendDefinition } from '../../../core/backend.ts';
import { isRecord } from '../../../data/is-record.ts';
import { nearest } from '../../../text/nearest.ts';
import { pathWord } from '../../../text/command-line.ts';
import { connectionFlags } from '../connection/flags.ts';
import { tell, tellJson } from '../print.ts';
import { addAnswerFlags, addConversationFlags } from '../run-flags.ts';
import type { SettingPlace } from './setting-value.ts';
import {
  type RunSetting,
  mergedValue,
  resolveSettings,
  serverKeysOf,
  snakeCase,
  variableOf,
} from './resolve-settings.ts';
import { type SettingsFile, readSettingsFiles } from './settings-file.ts';

/** Flags of `run` that are no settings: what they say is said of one run. */
const notSettings = new Set(['output', 'overwrite', 'allow_drift', 'help_all', 'preset']);

/** The commands that take settings: those of the keys alone, or all that they have a flag for. */
const takers: Readonly<Record<string, readonly string[] | null>> = {
  run: null,
  bench: null,
  validate: null,
  convert: null,
  doctor: ['model', 'host', 'base_url', 'servers'],
  // All else is in the manifest.
  resume: ['on_end', 'progress', 'verbose', 'json'],
};

/** The settings that there are: the flags of `run`, by their keys. */
function settingOptions(program: Command): Map<string, Option> {
  const run = program.commands.find((command) => command.name() === 'run');
  const options = (run?.options ?? []).filter(({ negate }) => !negate);
  const keyed = options.map((option) => [snakeCase(option.attributeName()), option] as const);
  return new Map(keyed.filter(([key]) => !notSettings.has(key)));
}

export interface FoundSettings {
  settings: Map<string, RunSetting>;
  files: SettingsFile[];
}

/** Finds the settings that count here for a new run, but for its flags. */
export function findSettings(
  program: Command,
  preset: string | null,
  { backends, note }: { backends: readonly BackendDefinition[]; note: (text: string) => void },
): FoundSettings {
  const options = settingOptions(program);
  const environment = process.env;
  tellStrayVariables([...options.keys()], environment, note);
  const files = readSettingsFiles(process.cwd(), { environment, known: [...options.keys()], note });
  return { settings: resolveSettings({ options, files, environment, backends, preset }), files };
}

/**
 * Gives a command that begins the settings of the environment and of files, where no flag says otherwise, and tells what came
 * from a file. Throws a `UsageError` for what a flag of that value would be refused for.
 */
export function takeSettings(command: Command, backends: readonly BackendDefinition[]): void {
  const wanted = takers[command.name()];
  const { parent: program } = command;
  if (wanted === undefined || program === null) return;
  const notes: string[] = [];
  const preset: unknown = wanted === null ? (command.getOptionValue('preset') ?? process.env['LLMBATCH_PRESET']) : '';
  const found = findSettings(program, typeof preset === 'string' && preset !== '' ? preset : null, {
    backends,
    note: (text) => notes.push(text),
  });
  const taken = [...found.settings].filter(([key]) => wanted === null || wanted.includes(key));
  const applied = apply(command, taken, backends);
  notes.push(...describe(withoutEarlier(applied, command, backends)));
  const keyless = applied.filter(
    ([key, { place }]) => place.file?.isOwn === false && serverKeysOf(backends).includes(key),
  );
  for (const [key, { value }] of keyless) {
    command.setOptionValueWithSource('isKeyless', true, 'config');
    notes.push(`settings: ${key} ${String(value)} comes from a file of a folder, so no key is sent to it`);
  }
  const isJson = command.getOptionValue('progress') === 'json';
  for (const text of notes) {
    if (isJson) tellJson({ note: text });
    else tell(text);
  }
}

/** What was set, but for what shapes the answers where these have the settings of the run that `--failed-of` names. */
function withoutEarlier(applied: readonly Taken[], command: Command, backends: readonly BackendDefinition[]): Taken[] {
  if (command.getOptionValue('failedOf') === undefined) return [...applied];
  const ofAnswers = addConversationFlags(addAnswerFlags(new Command(), backends)).options.map(({ flags }) => flags);
  return applied.filter(([, { option }]) => !ofAnswers.includes(option.flags));
}

type Taken = [key: string, setting: RunSetting];

/** Sets what no flag says. Returns what was set. */
function apply(command: Command, taken: readonly Taken[], backends: readonly BackendDefinition[]): Taken[] {
  const isGiven = (name: string): boolean => command.getOptionValueSource(name) === 'cli';
  const servers = serverKeysOf(backends);
  const namesServers = command.options.some(
    (option) => servers.includes(snakeCase(option.attributeName())) && isGiven(option.attributeName()),
  );
  const backend = isGiven('backend') ? command.getOptionValue('backend') : Object.fromEntries(taken)['backend']?.value;
  return taken.filter(([key, { option, value }]) => {
    const name = option.attributeName();
    const hasFlag = command.options.some(({ flags }) => flags === option.flags);
    if (!hasFlag || (namesServers && servers.includes(key)) || isForeign(name, backend, backends)) return false;
    const given: unknown = isGiven(name) ? command.getOptionValue(name) : undefined;
    if (given !== undefined && !isRecord(given)) return false;
    command.setOptionValueWithSource(name, mergedValue(value, given ?? value), 'config');
    return true;
  });
}

/** Where an engine is that is not asked for does not matter. */
const isForeign = (name: string, backend: unknown, backends: readonly BackendDefinition[]): boolean =>
  (backend ?? 'auto') !== 'auto' &&
  connectionFlags(backends).some((flag) => flag.name === name && !flag.owners.includes(String(backend)));

/** `settings: model, seed from llmbatch.json (defaults); max_tokens from LLMBATCH_MAX_TOKENS` */
function describe(applied: readonly Taken[]): string[] {
  const keys = new Map<string, string[]>();
  for (const [key, { place }] of applied) {
    const from = describePlace(place);
    keys.set(from, [...(keys.get(from) ?? []), key]);
  }
  return keys.size === 0
    ? []
    : [`settings: ${[...keys].map(([from, names]) => `${names.join(', ')} from ${from}`).join('; ')}`];
}

/** `preset short of llmbatch.json`, or the name of a variable. */
export function describePlace({ name, file }: SettingPlace): string {
  if (file === null) return name;
  const [, preset] = /: presets\.(.+)\.\w+$/.exec(name) ?? [];
  return `${preset === undefined ? '' : `preset ${preset} of `}${pathWord(file.path)}`;
}

/** Tells a variable that looks like a setting and is none, so that it is not missed in silence. */
function tellStrayVariables(
  keys: readonly string[],
  environment: NodeJS.ProcessEnv,
  note: (text: string) => void,
): void {
  const others = /^LLMBATCH_(?:API_KEY|PYTHON|PRESET|STATE|EXIT_CODE|OUTPUT|OVERWRITE|ALLOW_DRIFT|TEST_.*)$/;
  for (const name of Object.keys(environment)) {
    const [, key] = /^LLMBATCH_([A-Z_]+)$/.exec(name) ?? [];
    if (key === undefined || keys.includes(key.toLowerCase()) || others.test(name)) continue;
    const near = nearest(key, keys);
    if (near !== null) note(`settings: ${name} is not a setting. Did you mean ${variableOf(near)}?`);
  }
}
