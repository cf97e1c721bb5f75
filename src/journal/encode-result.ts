import { formatInteger } from '../text/format.ts';
import { type ResultLine, maxResultBytes } from '../core/result-line.ts';

/** A result with its text as it is written, which ends in a line feed. */
export interface EncodedResult {
  line: ResultLine;
  text: string;
}

/**
 * Makes the text of a result, with the row that stays with it. Throws where an answer can't be written as JSON (it is
 * nested too deep, or longer than a string may be), or is too long to be read again: it becomes a failure of its request.
 * Every part of a failure that may be long or deep is left out, so that it can always be written.
 */
export function encodeResult(line: ResultLine, rowJson?: string): EncodedResult {
  try {
    return { line, text: encode(line, rowJson) };
  } catch (error) {
    if (line.error === null) throw error;
    const bare = withoutContent(line);
    return { line: bare, text: encode(bare) };
  }
}

function encode(line: ResultLine, rowJson?: string): string {
  const json = JSON.stringify(line);
  // The row goes as it is to the end of `llmbatch`, the last key of the line: written anew, its numbers would be rounded.
  const text = rowJson === undefined ? `${json}\n` : `${json.slice(0, -2)},"row":${rowJson}}}\n`;
  // Counting the bytes costs something: most texts are so short that it is not needed.
  const isTooLong = text.length * bytesPerUnit > maxResultBytes && Buffer.byteLength(text) > maxResultBytes;
  if (isTooLong)
    throw new RangeError(
      `the result would be longer than ${formatInteger(maxResultBytes / 1024 / 1024)} MB as a line, with all fields of its row`,
    );
  return text;
}

/** The most UTF-8 bytes that one UTF-16 unit takes. */
const bytesPerUnit = 3;

/** The result of a failure without what the server sent, the answer, and the row. */
function withoutContent({ llmbatch, ...line }: ResultLine): ResultLine {
  const { finish: _finish, parsed: _parsed, rejected: _rejected, ...facts } = llmbatch;
  return { ...line, response: null, llmbatch: facts };
}
