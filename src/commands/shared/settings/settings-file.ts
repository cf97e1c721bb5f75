import { existsSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { UsageError, messageOf } from '../../../core/errors.ts';
import { isRecord } from '../../../data/is-record.ts';
import { realPathOf } from '../../../files/real-path.ts';
import { nearest } from '../../../text/nearest.ts';
import { isSecretName } from '../../../text/secret-name.ts';

/** A `llmbatch.json`, checked for its form and its keys; its values are checked where they count. */
export interface SettingsFile {
  path: string;
  /** The user's own: it may name programs, and its servers get keys. False for one that lies in a folder. */
  isOwn: boolean;
  defaults: Record<string, unknown>;
  presets: Record<string, Record<string, unknown>>;
}

const fileName = 'llmbatch.json';

/** Path of the user's own settings: `$XDG_CONFIG_HOME/llmbatch/llmbatch.json`. */
export const ownSettingsPath = (environment: NodeJS.ProcessEnv): string =>
  join(environment['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'llmbatch', fileName);

/**
 * Reads the settings that count in a folder: the nearest file of the folder or above, and behind it the user's own.
 * `known`: the keys that there are. Throws a `UsageError` for a file that is none, or has an unknown key.
 */
export function readSettingsFiles(
  folder: string,
  {
    environment,
    known,
    note,
  }: { environment: NodeJS.ProcessEnv; known: readonly string[]; note: (text: string) => void },
): SettingsFile[] {
  const own = ownSettingsPath(environment);
  const near = nearestFile(folder, note);
  const others = near === null || realPathOf(near) === realPathOf(own) ? [] : [readFile(near, false, known)];
  return [...others, ...(existsSync(own) ? [readFile(own, true, known)] : [])];
}

/** The nearest file of this user's, or of root's: in a folder that all may write to, anybody could leave one. */
function nearestFile(start: string, note: (text: string) => void): string | null {
  for (let folder = start; ; folder = dirname(folder)) {
    const path = join(folder, fileName);
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.isFile() === true) {
      if ([0, process.getuid?.() ?? found.uid].includes(found.uid)) return path;
      note(`settings: ${path} is ignored: it belongs to another user`);
      return null;
    }
    if (folder === dirname(folder)) return null;
  }
}

function readFile(path: string, isOwn: boolean, known: readonly string[]): SettingsFile {
  const content = parseFile(path);
  const refuse = (problem: string, hint?: string): UsageError => new UsageError(`${path}: ${problem}`, hint);
  if (!isRecord(content)) throw refuse('it is not an object', form);
  const parts = ['defaults', 'presets', '$schema'];
  const stray = Object.keys(content).find((key) => !parts.includes(key));
  if (stray !== undefined)
    throw refuse(`unknown key "${stray}"`, known.includes(stray) ? form : 'It has defaults and presets.');
  const { defaults = {}, presets = {} } = content;
  if (!isRecord(presets)) throw refuse('presets is not an object', form);
  for (const [place, values] of [['defaults', defaults] as const, ...Object.entries(presets)])
    checkKeys(values, known, (problem, hint) =>
      refuse(place === 'defaults' ? `defaults${problem}` : `presets.${place}${problem}`, hint),
    );
  return { path, isOwn, defaults, presets } as SettingsFile;
}

const form = 'Write, for instance: {"defaults": {"model": "gemma3:4b"}, "presets": {"short": {"max_tokens": 200}}}';

function parseFile(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8').replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new UsageError(`${path}: it can't be read as JSON: ${messageOf(error)}`);
  }
}

function checkKeys(
  values: unknown,
  known: readonly string[],
  refuse: (problem: string, hint?: string) => UsageError,
): void {
  if (!isRecord(values)) throw refuse(' is no object', form);
  const stray = Object.keys(values).find((key) => !known.includes(key));
  if (stray === undefined) return;
  const near = nearest(stray.replaceAll('-', '_'), known);
  // A slip such as max_token looks like a secret's name too.
  if (/api_?key/i.test(stray) || (near === null && isSecretName(stray)))
    throw refuse(
      `.${stray} would be a key in a file`,
      'Keys are read only from environment variables: llmbatch help environment',
    );
  const all = 'The keys are the long flags of run, with _ instead of -: llmbatch run --help-all';
  const hint = near === null ? all : `Did you mean ${near}?`;
  throw refuse(`.${stray} is not a setting`, hint);
}
