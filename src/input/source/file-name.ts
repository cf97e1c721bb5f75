import { extname } from 'node:path';
import { type GivenFlag, commandLine } from '../../text/command-line.ts';
import { quoteForShell } from '../../text/format.ts';
import { printable } from '../../text/printable.ts';

/** What an input is called in messages and in commands. */
export interface FileName {
  /** As messages call it: a path, or `standard input`. */
  name: string;
  /** The path; null for standard input. */
  path: string | null;
  /** The flags of the command line, for a command that reads it in another way. */
  flags: readonly GivenFlag[];
}

export const fileName = (path: string | null, flags: readonly GivenFlag[] = []): FileName => ({
  name: path === null ? 'standard input' : printable(path),
  path,
  flags,
});

/** The file as a word of a shell command. */
export const inShell = (path: string | null): string => (path === null ? 'FILE' : quoteForShell(path));

/** The ending of a name in small letters, without that of gzip: `.csv` of `Rows.CSV.gz`. */
function endingOf(path: string | null): string {
  const lower = (path ?? '').toLowerCase();
  return extname(lower.endsWith('.gz') ? lower.slice(0, -'.gz'.length) : lower);
}

const tableEndings: Record<string, 'csv' | 'tsv'> = { '.csv': 'csv', '.tsv': 'tsv', '.tab': 'tsv' };

/** The form of a table that a name tells of. */
export const tableEndingOf = (path: string | null): 'csv' | 'tsv' | undefined => tableEndings[endingOf(path)];

/** The command that runs what another program makes of the file. A pipe has no name that would tell of a table. */
export function runPiped({ path, flags }: FileName): string {
  const unpacked = path?.replace(/\.(?:zip|7z|rar|zst|bz2|xz|lz4?|sz|z)$/i, '') ?? null;
  const isTold = flags.some(({ name }) => name === '--format' || name === '--delimiter');
  const format = isTold ? undefined : tableEndingOf(unpacked);
  return commandLine(['llmbatch', 'run', '-', ...(format === undefined ? [] : ['--format', format])], flags);
}
