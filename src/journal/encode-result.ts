import { formatInteger } from '../text/format.ts';
import { type ResultLine, maxResultBytes } from '../core/result-line.ts';

/** A result as it is written; its text ends in a line feed. */
export interface EncodedResult {
  line: ResultLine;
  text: string;
}

/**
 * The text of a result. An answer that JSON can't hold (nested beyond the stack, longer than a string may be), or that could
 * not be read again for its length, is thrown: it is a failure of its request. Of a failure what may be long or deep is left
 * out, so that it can always be written.
 */
export function encodeResult(line: ResultLine): EncodedResult {
  try {
    return { line, text: encode(line) };
  } catch (error) {
    if (line.error === null) throw error;
    const bare = withoutContent(line);
    return { line: bare, text: encode(bare) };
  }
}

function encode(line: ResultLine): string {
  const text = `${JSON.stringify(line)}\n`;
  // Counting the bytes costs something: most texts are short enough whatever they hold.
  const isTooLong = text.length * bytesPerUnit > maxResultBytes && Buffer.byteLength(text) > maxResultBytes;
  if (isTooLong)
    throw new RangeError(
      `the result would be longer than ${formatInteger(maxResultBytes / 1024 / 1024)} MB as a line, with all fields of its row`,
    );
  return text;
}

/** UTF-8 bytes of a UTF-16 unit, at most. */
const bytesPerUnit = 3;

/** Without what the server sent, the answer, and the row. */
function withoutContent({ llmbatch, ...line }: ResultLine): ResultLine {
  const { finish: _finish, parsed: _parsed, rejected: _rejected, row: _row, ...facts } = llmbatch;
  return { ...line, response: null, llmbatch: facts };
}
