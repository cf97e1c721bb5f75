import { messageOf } from '../core/errors.ts';
import { formatInteger } from '../core/format.ts';
import { type ResultLine, mostResultBytes } from '../core/result-line.ts';

/** A result as it is written; its text ends in a line feed. */
export interface EncodedResult {
  line: ResultLine;
  text: string;
}

/**
 * The text of a result. One that JSON can't hold (nested beyond the stack, longer than a string may be), or that could not be
 * read again for its length, becomes a failure of its request: it must end neither the run nor every resume.
 */
export function encodeResult(line: ResultLine): EncodedResult {
  try {
    const text = `${JSON.stringify(line)}\n`;
    return isTooLong(text) ? encodeFailure(line, tooLong) : { line, text };
  } catch (error) {
    return encodeFailure(line, `the result can't be written as JSON: ${messageOf(error)}`);
  }
}

const tooLong = `the result is longer than ${formatInteger(mostResultBytes / 1024 / 1024)} MB as a line, with all fields of its row`;

/** UTF-8 bytes of a UTF-16 unit, at most. */
const bytesPerUnit = 3;

const isTooLong = (text: string): boolean =>
  text.length * bytesPerUnit > mostResultBytes && Buffer.byteLength(text) > mostResultBytes;

/** Without what may be long or deep: the answer, and the row. */
function encodeFailure({ id, custom_id, llmbatch }: ResultLine, message: string): EncodedResult {
  const { finish: _finish, parsed: _parsed, rejected: _rejected, row: _row, conversation: _place, ...facts } = llmbatch;
  const line: ResultLine = {
    id,
    custom_id,
    response: null,
    error: { code: 'invalid-response', message },
    llmbatch: facts,
  };
  return { line, text: `${JSON.stringify(line)}\n` };
}
