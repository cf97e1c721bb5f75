import { isUtf8 } from 'node:buffer';
import { UsageError } from '../../core/errors.ts';
import { maxLineBytes } from '../../files/read-lines.ts';
import { markBadRow, notUtf8 } from '../bad-row.ts';

const lineFeed = 0x0a;

/** Turns plain text into JSONL, one prompt a line: line n is line n, and a blank one stays blank. */
export async function* textToJsonl(bytes: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer> {
  let kept: Buffer[] = [];
  let keptBytes = 0;
  for await (const piece of bytes) {
    const end = piece.lastIndexOf(lineFeed) + 1;
    if (end > 0) {
      yield toLines(Buffer.concat([...kept, piece.subarray(0, end)]));
      kept = [];
      keptBytes = 0;
    }
    if (end < piece.length) kept.push(piece.subarray(end));
    keptBytes += piece.length - end;
    if (keptBytes > maxLineBytes) throw new UsageError(`${name} has a line of more than 64 MB: is it text?`);
  }
  if (keptBytes > 0) yield toLines(Buffer.concat([...kept, Buffer.from('\n')]));
}

/** `block` ends in a line feed. */
function toLines(block: Buffer): Buffer {
  const lines: string[] = [];
  for (let from = 0; from < block.length;) {
    const to = block.indexOf(lineFeed, from);
    lines.push(toLine(block.subarray(from, to)));
    from = to + 1;
  }
  return Buffer.from(`${lines.join('\n')}\n`);
}

function toLine(bytes: Buffer): string {
  if (!isUtf8(bytes)) return markBadRow({ reason: notUtf8 });
  const prompt = bytes.toString('utf8').replace(/\r$/, '');
  return prompt.trim() === '' ? '' : JSON.stringify({ prompt });
}
