import { UsageError } from '../../core/errors.ts';
import { printable } from '../../text/printable.ts';
import { type FileName, inShell, runPiped } from './file-name.ts';

/** What a file that is no JSON may be, by its first line. */
const kinds: readonly [what: string, pattern: RegExp, hint: (file: string, run: string) => string][] = [
  [
    'a web page (HTML)',
    /^<(?:!doctype\s+html|html|head|body)\b/i,
    () => 'The download may have saved an error page: open the file, and download it again.',
  ],
  ['XML', /^<(?:\?xml|!--|[A-Za-z][\w:.-]*[\s/>])/, () => 'Convert it to JSONL or CSV first.'],
  ['YAML', /^(?:---\s|%YAML|- ?[A-Za-z_]\w*:\s)/, (file, run) => `Convert it in a pipe: yq -o json ${file} | ${run}`],
  [
    'JSON with comments (JSON5)',
    /^(?:\/\/|\/\*)[^]*^\s*[[{]/m,
    (file, run) => `Convert it in a pipe: npx json5 ${file} | ${run}`,
  ],
  [
    'a table of Markdown or of a terminal',
    /^(?:[^|\n]*\n)*?\s*(?:\|.*\|\s*\n\s*\|[-:| ]+\|\s*\n|\+[-+]+\+\s*\n\s*\|)/,
    (file, run) => `Convert it to CSV in a pipe: sed -E ${tableToCsv} ${file} | ${run} --format csv --delimiter '|'`,
  ],
];

/** Keeps the rows, without the bars and blanks around their cells. */
const tableToCsv = String.raw`'/^ *\|[^-+:]/!d; /^[-:| ]*$/d; s/^ *\| *//; s/ *\| *\r?$//; s/ *\| */|/g'`;

/** The error for a file of no form that is known without a flag. */
export function describeOther(text: string, file: FileName): UsageError {
  const { name, path } = file;
  const kind = kinds.find(([, pattern]) => pattern.test(text.slice(0, 4096)));
  if (kind !== undefined)
    return new UsageError(`${name} is ${kind[0]}, not JSONL`, kind[2](inShell(path), runPiped(file)));
  const [firstLine = '', secondLine = ''] = text.split('\n');
  const delimiter = delimiterOf(firstLine, secondLine);
  const begins = `${name} is not JSON: it begins with "${printable(firstLine.trimEnd(), 40)}"`;
  if (delimiter === null) return new UsageError(begins, 'If each line is one prompt: add --format text');
  const flag = delimiter === '\t' ? '--format tsv' : '--format csv';
  return new UsageError(`${begins}, which looks like the header of a table`, `If it is one: add ${flag}`);
}

const count = (line: string, sign: string): number => line.split(sign).length - 1;

/** The character that the first two lines hold equally often; null where there is none. */
function delimiterOf(firstLine: string, secondLine: string): string | null {
  const fits = (sign: string): boolean => {
    const cells = count(firstLine, sign);
    // A cell in quotes may go on in the next line.
    return cells > 0 && (secondLine.trim() === '' || secondLine.includes('"') || count(secondLine, sign) >= cells);
  };
  return ['\t', ',', ';', '|'].find(fits) ?? null;
}
