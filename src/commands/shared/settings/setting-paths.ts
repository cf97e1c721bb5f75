import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { UsageError } from '../../../core/errors.ts';
import { realPathOf } from '../../../files/real-path.ts';

/** A file of settings: the user's own, or one that lies in a folder. */
export interface SettingsPath {
  path: string;
  isOwn: boolean;
}

/**
 * Makes of a text in a file what would be typed here: its paths are as seen from the file. `form`: what the flag says of its
 * value, such as `file|json`.
 */
export function fromFile(file: SettingsPath, form: string, text: string): string {
  const isPath = /\b(?:file|path|folder|output)\b/.test(form);
  if (form === 'key=value') return text.replace(/(?<==)\.{1,2}\/.*/s, (path) => typedPath(file, path));
  if (form === 'model') return isThere(file, text) ? typedPath(file, text) : text;
  if (text.startsWith('@') && (isPath || form === 'text')) return `@${readablePath(file, text.slice(1))}`;
  return isPath && !isNoPath(file, form, text) ? readablePath(file, text) : text;
}

/** JSON as it is, the name of something else, or a program that the system looks up. */
function isNoPath(file: SettingsPath, form: string, text: string): boolean {
  if (form === 'path') return !text.includes('/');
  return form.includes('|') && (/^\s*[{[]/.test(text) || !isThere(file, text));
}

const placeOf = (file: SettingsPath, path: string): string =>
  isAbsolute(path) ? path : join(dirname(file.path), path);

const isThere = (file: SettingsPath, path: string): boolean => existsSync(placeOf(file, path));

/** A path that is read. A file of a folder names only what lies in that folder, since what is read may be sent somewhere. */
function readablePath(file: SettingsPath, path: string): string {
  const folder = realPathOf(dirname(file.path));
  if (!file.isOwn && !realPathOf(placeOf(file, path)).startsWith(folder.endsWith(sep) ? folder : folder + sep))
    throw new UsageError(`${path} is outside its folder`, 'Only a flag, a variable or your own settings may name it.');
  return typedPath(file, path);
}

function typedPath(file: SettingsPath, path: string): string {
  const whole = placeOf(file, path);
  const near = relative(process.cwd(), whole);
  return near === '' || near.startsWith('..') ? whole : near;
}
