import { extname } from 'node:path';
import { quoteForShell } from '../../text/format.ts';
import { printable } from '../../text/printable.ts';

/** What an input is called in messages and in commands. */
export interface FileName {
  /** As messages call it: a path, or `standard input`. */
  name: string;
  /** The path; null for standard input. */
  path: string | null;
}

export const fileName = (path: string | null): FileName => ({
  name: path === null ? 'standard input' : printable(path),
  path,
});

/** The file as a word of a shell command. */
export const inShell = (path: string | null): string => (path === null ? 'FILE' : quoteForShell(path));

/** The ending of a name in small letters, without that of gzip: `.csv` of `Rows.CSV.gz`. */
export function endingOf(path: string | null): string {
  const lower = (path ?? '').toLowerCase();
  return extname(lower.endsWith('.gz') ? lower.slice(0, -'.gz'.length) : lower);
}
