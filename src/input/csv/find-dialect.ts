import { UsageError } from '../../core/errors.ts';

/** How a table is written. */
export interface Dialect {
  /** The character between the cells, as the characters of its bytes (latin1). */
  delimiter: string;
  /** Characters before the header: a line by which Excel names the delimiter. */
  skipped: number;
}

const separatorLine = /^"?sep=([^\r\n"])"? *\r?(?:\n|$)/i;

/**
 * Finds out by the header what stands between the cells; null while the text does not hold all of it. A `given`
 * delimiter is believed. Throws a `UsageError` where the header could be read in two ways.
 */
export function findDialect(
  text: string,
  { given, isLast }: { given: string | null; isLast: boolean },
): Dialect | null {
  if (!isLast && !text.includes('\n')) return null;
  const [line = '', named = null] = separatorLine.exec(text) ?? [];
  const delimiter = given ?? named ?? delimiterOf(text, isLast);
  return delimiter === null ? null : { delimiter, skipped: line.length };
}

/** Characters that stand between the cells of files as programs write them. */
const usual = [',', ';', '\t'];
/** One that is also met inside names: it is taken only where none of the usual ones is there. */
const rare = '|';

function delimiterOf(text: string, isLast: boolean): string | null {
  const header = headerOf(text, isLast);
  if (header === null) return null;
  const found = usual.filter((character) => header.includes(character));
  if (found.length > 1) throw ambiguous(header, found);
  return found[0] ?? (header.includes(rare) ? rare : ',');
}

/** A longer header is looked at as far as it came. */
const maxHeader = 1024 * 1024;

/** The first line that is not empty, without its cells in quotes; null where it may go on. */
function headerOf(text: string, isLast: boolean): string | null {
  const bare = text.replace(/^\s*\n/, '').replaceAll(/(^|[,;\t|]) *(?:"[^"]*")+/g, '$1');
  const [line = '', ...others] = bare.split('\n', 2);
  const mayGoOn = others.length === 0 || /(?:^|[,;\t|]) *"/.test(line);
  return mayGoOn && !isLast && text.length < maxHeader ? null : line;
}

function ambiguous(header: string, found: readonly string[]): UsageError {
  const ways = found.map((delimiter) => `${header.split(delimiter).length} columns with ${nameOf(delimiter)}`);
  const flags = found.map((delimiter) => `--delimiter ${delimiter === '\t' ? 'tab' : `'${delimiter}'`}`);
  return new UsageError(`the header of the CSV has ${ways.join(', and ')}`, `Say which it is: ${flags.join(' or ')}`);
}

const nameOf = (delimiter: string): string => (delimiter === '\t' ? 'tabs' : `"${delimiter}"`);
