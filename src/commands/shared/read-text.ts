import { readFile, stat } from 'node:fs/promises';
import { namedTemplates, templateNames } from '../../core/chat-templates/named-templates.ts';
import { UsageError, codeOf, systemReason } from '../../core/errors.ts';
import { askForNearFile } from '../../files/near-file.ts';
import { quoteForShell } from '../../text/format.ts';
import { nearest } from '../../text/nearest.ts';

/**
 * The text of a flag that takes it as it is, or `@file`. A bare name of a file is told, and sent as the text that it is:
 * a text may be one word.
 */
export async function textOrFile(flag: string, value: string, note: (text: string) => void): Promise<string> {
  if (value.startsWith('@')) return readTextFile(flag, value.slice(1));
  const isFile = await stat(value).then(
    (found) => found.isFile(),
    () => false,
  );
  if (isFile) note(`${flag}: ${value} is a file here: ${quoteForShell(`@${value}`)} sends its text`);
  return value;
}

/** The template of `--chat-template`: a file, with or without an `@` before its path, or the name of a common one. */
export async function readChatTemplate(given: string): Promise<string> {
  const flag = '--chat-template';
  if (given.startsWith('@')) return readTextFile(flag, given.slice(1));
  const isThere = await stat(given).then(
    () => true,
    () => false,
  );
  if (isThere) return readTextFile(flag, given);
  const named = Object.hasOwn(namedTemplates, given) ? namedTemplates[given] : undefined;
  if (named !== undefined) return named;
  if (/[{\n]/.test(given))
    throw new UsageError(`${flag}: expected a file or a name, not the template itself`, `Save it to a file.`);
  const near = nearest(given, templateNames);
  const guess = near === null ? '' : `Did you mean ${near}? `;
  throw new UsageError(
    `${flag}: there is no file ${given}, and no template with that name`,
    `${guess}The names are: ${templateNames.join(', ')}.`,
  );
}

/**
 * Reads a file that a flag names: UTF-8, or UTF-16 by its byte order mark, without that mark, and with line feeds alone.
 * A final line end stays: a prompt may want it.
 */
export async function readTextFile(flag: string, path: string): Promise<string> {
  const bytes = await readFile(path).catch(async (error: unknown) => {
    const near = codeOf(error) === 'ENOENT' ? await askForNearFile(path) : null;
    throw new UsageError(`${flag}: ${path}: ${reasonOf(error)}`, near ?? 'Check the path.');
  });
  const text = decode(bytes);
  if (text === null) {
    const convert = `iconv -f windows-1252 -t utf-8 ${quoteForShell(path)}`;
    throw new UsageError(`${flag}: ${path}: it is not UTF-8 text`, `Save it as UTF-8, or convert it: ${convert}`);
  }
  if (text.trim() === '')
    throw new UsageError(`${flag}: ${path}: the file is empty`, `Write its text, or remove ${flag}.`);
  return text.replaceAll(/\r\n?/g, '\n');
}

function reasonOf(error: unknown): string {
  const reasons: Record<string, string> = {
    ENOENT: 'there is no such file',
    EISDIR: 'it is a folder',
    EACCES: 'you may not read it',
  };
  return reasons[codeOf(error)] ?? `can't read it: ${systemReason(error)}`;
}

/** Null where the bytes are no text. NULs are those of UTF-16 without a mark, or of a program's own format. */
function decode(bytes: Buffer): string | null {
  const mark = bytes.toString('hex', 0, 2);
  const encoding = mark === 'fffe' ? 'utf-16le' : mark === 'feff' ? 'utf-16be' : 'utf-8';
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
    return text.includes('\0') ? null : text;
  } catch {
    return null;
  }
}
