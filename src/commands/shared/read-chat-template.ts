import { stat } from 'node:fs/promises';
import { namedTemplates, templateNames } from '../../core/chat-templates/named-templates.ts';
import { UsageError } from '../../core/errors.ts';
import { nearest } from '../../text/nearest.ts';
import { readTextFile } from './read-text.ts';

const flag = '--chat-template';

/** The template of `--chat-template`: a file, with or without an `@` before its path, or the name of a common one. */
export async function readChatTemplate(given: string): Promise<string> {
  if (given.startsWith('@')) return readTextFile(flag, given.slice(1));
  const isThere = await stat(given).then(
    () => true,
    () => false,
  );
  if (isThere) return readTextFile(flag, given);
  const named = Object.hasOwn(namedTemplates, given) ? namedTemplates[given] : undefined;
  if (named !== undefined) return named;
  if (/[{\n]/.test(given))
    throw new UsageError(`${flag}: it takes a file, or a name, not the template itself`, `Save it to a file.`);
  const near = nearest(given, templateNames);
  const guess = near === null ? '' : `Did you mean ${near}? `;
  throw new UsageError(
    `${flag}: there is no file ${given}, and no template of that name`,
    `${guess}The names are: ${templateNames.join(', ')}.`,
  );
}
