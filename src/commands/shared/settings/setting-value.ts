import { InvalidArgumentError, type Option } from 'commander';
import { UsageError } from '../../../core/errors.ts';
import { isRecord } from '../../../data/is-record.ts';
import { type SettingsPath, fromFile } from './setting-paths.ts';

/** Where the value of a setting stands. */
export interface SettingPlace {
  /** For messages: `LLMBATCH_SEED`, or `/home/ann/llmbatch.json: defaults.seed`. */
  name: string;
  /** The file; null for a variable. */
  file: SettingsPath | null;
}

/** Makes of a value what the flag would make of its text. Throws a `UsageError` that names the place. */
export function settingValue(option: Option, value: unknown, place: SettingPlace): unknown {
  try {
    return parseValue(option, value, place);
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw new UsageError(`${place.name}: ${error.message}`);
    if (error instanceof UsageError) throw new UsageError(`${place.name}: ${error.message}`, error.hint);
    throw error;
  }
}

function parseValue(option: Option, value: unknown, { file }: SettingPlace): unknown {
  if (!option.required && !option.optional) return booleanOf(value);
  if (option.optional && value === true) return true;
  const { parseArg, defaultValue } = option;
  const texts = textsOf(option, value).map((text) => (file === null ? text : fromFile(file, formOf(option), text)));
  if (parseArg === undefined) return texts[0];
  // Commander's own types say that a parser returns what it was given before.
  return texts.reduce<unknown>((before, text) => parseArg(text, before as never), defaultValue);
}

/** What the flag says of its value: `file|json` of `--schema <file|json>`; a text that is given several times is no `text`. */
const formOf = (option: Option): string =>
  isRepeatable(option) && option.flags.includes('<text>') ? '' : (/<([^>]*)>/.exec(option.flags)?.[1] ?? '');

/** A text of the environment as a value of a file: a list or an object may be written as JSON. */
export function valueOfText(option: Option, text: string): unknown {
  if (!option.required && !option.optional) {
    if (/^(?:true|1|yes|on)$/i.test(text)) return true;
    return /^(?:false|0|no|off)$/i.test(text) ? false : text;
  }
  if (!isRepeatable(option) || !/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function booleanOf(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new UsageError('Expected true or false.');
}

/** A parser that takes what was given before is one of a flag that is given several times. */
const isRepeatable = ({ parseArg, argChoices }: Option): boolean =>
  argChoices === undefined && (parseArg?.length ?? 0) > 1;

/** The texts that a user would type behind the flag, one for each time that he gives it. */
function textsOf(option: Option, value: unknown): string[] {
  if (isRecord(value)) {
    if (isRepeatable(option)) return Object.entries(value).map(([key, inner]) => `${key}=${textOf(inner)}`);
    if (/\bjson\b/.test(option.flags)) return [JSON.stringify(value)];
  }
  if (!Array.isArray(value)) return [textOf(value)];
  const texts = value.map(textOf);
  return isRepeatable(option) ? texts : [texts.join(',')];
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new UsageError(`Expected a text or a number, not ${JSON.stringify(value)}.`);
}
