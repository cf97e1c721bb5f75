import { printableJson, printableLines } from '../../text/printable.ts';
import { jsonVersion } from '../../text/snake-keys.ts';
import { wrapText } from '../../text/wrap-text.ts';
import { writeStdout } from './write-stdout.ts';

/**
 * All that this program says to somebody who reads it goes through here, since most of it quotes what others wrote:
 * rows of an input, answers, servers. A terminal would act on what is in them. Results on stdout are data, and go as
 * they are.
 */

/**
 * Prints a message on stderr. Its lines after the first are indented, so that no foreign text in it can look like a
 * message of ours.
 */
export const tell = (message: string): void => void process.stderr.write(`${wrapped(asMessage(message))}\n`);

export const asMessage = (message: string): string => printableLines(message).replaceAll('\n', '\n  ');

/** A text of several lines on stderr, beside results on stdout. */
export const tellText = (text: string): void => void process.stderr.write(wrapped(printableLines(text)));

/** Breaks a printable text at its words where it goes to a terminal; a log gets its lines as they are. */
export const wrapped = (text: string, stream: NodeJS.WriteStream = process.stderr): string =>
  stream.isTTY && stream.columns > 0 ? wrapText(text, stream.columns) : text;

/** One object of JSON on stderr. */
export const tellJson = (value: unknown): void =>
  void process.stderr.write(`${printableJson(JSON.stringify(value))}\n`);

/** A text for a reader on stdout. */
export const printText = (text: string): Promise<boolean> => writeStdout(printableLines(text));

/** Columns of the terminal that stdout is; null where it is none. */
export const columnsOfStdout = (): number | null =>
  process.stdout.isTTY && process.stdout.columns > 0 ? process.stdout.columns : null;

/** Sentences and rows for a reader on stdout, broken at words on a terminal. */
export const printWrapped = (text: string): Promise<boolean> =>
  writeStdout(wrapped(printableLines(text), process.stdout));

/** An object of `--json` as a line on stdout, with the version of its keys. */
export const printJsonObject = (value: object): Promise<boolean> =>
  printJson(`${JSON.stringify({ schema_version: jsonVersion, ...value })}\n`);

/** JSON for a program, or for a reader. */
export const printJson = (json: string): Promise<boolean> => writeStdout(printableJson(json));
