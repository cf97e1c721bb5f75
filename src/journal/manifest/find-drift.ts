import type { Fingerprint, PrefixedFingerprint } from '../../files/fingerprint.ts';
import type { AnswerSettings } from '../../core/settings.ts';
import { nameOfTemplate } from '../../core/chat-templates/named-templates.ts';
import { sortedJson } from '../../data/sorted-json.ts';

/** A setting with another value than a run was started with. */
interface ChangedSetting {
  /** The flag that sets it: `--max-tokens`, `--option seed`. */
  flag: string;
  before: unknown;
  now: unknown;
  /** The setting may be another one for requests that failed and are tried again. */
  isOfRetries: boolean;
  /** What stands for the value where it is not set: the engine or the model has one of its own, or there is none. */
  unset: 'default' | 'none';
}

/** Compares settings with those that a run was started with: each difference as `--max-tokens default → 40`. */
export const findDrift = (before: AnswerSettings, now: AnswerSettings): string[] =>
  changedSettings(before, now).map(
    ({ flag, unset, ...values }) => `${flag} ${show(values.before ?? unset, values.now ?? unset)}`,
  );

/** Whether other settings only change how requests that failed are answered when they are tried again. */
export const changesOnlyRetries = (before: AnswerSettings, now: AnswerSettings): boolean =>
  changedSettings(before, now).every(({ isOfRetries }) => isOfRetries);

function changedSettings(before: AnswerSettings, now: AnswerSettings): ChangedSetting[] {
  const [earlier, later] = [flagValues(before), flagValues(now)];
  const flags = new Set([...Object.keys(earlier), ...Object.keys(later)]);
  return [...flags].flatMap((flag) => {
    const values = { before: earlier[flag]?.value ?? null, now: later[flag]?.value ?? null };
    if (isSame(values.before, values.now) || changesNoAnswer(flag, values)) return [];
    const { isOfRetries, unset } = (earlier[flag] ?? later[flag])!;
    return [{ flag, ...values, isOfRetries, unset }];
  });
}

/** Says whether another value leaves every answer that is there as good as it was. */
function changesNoAnswer(flag: string, { before, now }: Pick<ChangedSetting, 'before' | 'now'>): boolean {
  // A form that is found by looking is the same for the same bytes, and these are compared.
  if (flag === '--format') return before === 'auto' || now === 'auto';
  // A row with an empty field was a bad line, and is a request from here on.
  return flag === '--allow-empty-fields' && now === true;
}

/** Settings that choose which requests are answered, not how: a try with `--limit 10` may go on as the whole run. */
const choosesRows = new Set(['limit', 'sample']);
const retrySettings = new Set(['controlTokens', 'allowTruncated', 'allowEmptyAnswers', 'allowRepetition']);

/** `--prompt-template` for `promptTemplate`. */
const flagOf = (name: string): string => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** The value of each setting, by the flag that sets it. */
function flagValues(
  settings: AnswerSettings,
): Record<string, Pick<ChangedSetting, 'isOfRetries' | 'unset'> & { value: unknown }> {
  const { parameters, options, conversation, chatTemplate, ...rest } = settings;
  const others = { ...rest, chatTemplate: nameOfTemplate(chatTemplate) };
  const { contextTokens, ...trims } = conversation;
  const values = [
    ...Object.entries({ ...others, ...trims, contextWindow: contextTokens })
      .filter(([name]) => !choosesRows.has(name))
      .map(([name, value]) => {
        const unset = name === 'chatTemplate' ? 'default' : 'none';
        return [flagOf(name), { value, isOfRetries: retrySettings.has(name), unset }] as const;
      }),
    ...Object.entries(parameters).map(([name, value]) => [`--${name.replaceAll('_', '-')}`, ofEngine(value)] as const),
    ...Object.entries(options).map(([name, value]) => [`--option ${name}`, ofEngine(value)] as const),
  ];
  return Object.fromEntries(values);
}

const ofEngine = (value: unknown) => ({ value, isOfRetries: true, unset: 'default' }) as const;

/** Whether other settings mean another engine, or another model in it. */
export const changesEngine = (before: AnswerSettings, now: AnswerSettings): boolean =>
  (['backend', 'model'] as const).some((name) => !isSame(before[name], now[name]));

/** Whether other settings mean the same engine with other options of its own. */
export const changesOptions = (before: AnswerSettings, now: AnswerSettings): boolean =>
  (['options', 'chatTemplate'] as const).some((name) => !isSame(before[name], now[name]));

/** How an input differs from what it was: not at all, by lines that were added at its end, or otherwise. */
export type InputChange = 'same' | 'grown' | 'changed';

export function compareInput(before: Fingerprint, now: PrefixedFingerprint): InputChange {
  if (now.sha256 === before.sha256) return 'same';
  return now.prefixSha256 === before.sha256 ? 'grown' : 'changed';
}

const isSame = (left: unknown, right: unknown): boolean => sortedJson(left) === sortedJson(right);

const maxShown = 32;

/** Two values as `default → 40`. Of long texts that begin alike, the part is shown in which they begin to differ. */
function show(before: unknown, now: unknown): string {
  const [earlier, later] = [textOf(before), textOf(now)];
  let same = 0;
  while (same < earlier.length && earlier[same] === later[same]) same++;
  const from = same < maxShown / 2 || Math.max(earlier.length, later.length) <= maxShown ? 0 : same - 8;
  const shown = (text: string): string => {
    const end = from + maxShown < text.length ? '...' : '';
    return `${from === 0 ? '' : '...'}${text.slice(from, from + maxShown)}${end}`;
  };
  return [before, now]
    .map((value) => (isQuoted(value) ? `"${shown(textOf(value))}"` : shown(textOf(value))))
    .join(' → ');
}

/** A text with blanks in it: its quotes stand outside of what is left of it. */
const isQuoted = (value: unknown): value is string => typeof value === 'string' && /\s/.test(value);

function textOf(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (isQuoted(value)) return JSON.stringify(value).slice(1, -1);
  return typeof value === 'string' ? value : JSON.stringify(value);
}
