import { formatInteger } from '../../text/format.ts';
import { BrokenAnswer } from './connection-errors.ts';

/** Largest body that is read: more than any answer, since 2,048 embeddings of 4,096 numbers are some 180 MB. */
const maxAnswerBytes = 256 * 2 ** 20;
/** A failure that quotes a whole request may be long; who reads it wants its beginning. */
const maxQuotedBytes = 2 ** 20;

type Body = AsyncIterable<Uint8Array>;

/** The whole text of a body. Throws a `BrokenAnswer` where it is too large, or no UTF-8. */
export async function wholeText(body: Body, maxBytes = maxAnswerBytes): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    checkSize(bytes, maxBytes);
    chunks.push(chunk);
  }
  return withoutMark(strictly(Buffer.concat(chunks)));
}

/**
 * The beginning of what a server says of a failure: it is quoted and never an answer, so what can't be read is
 * replaced.
 */
export async function quotableText(body: Body, maxBytes = maxQuotedBytes): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= maxBytes) break;
  }
  return new TextDecoder().decode(Buffer.concat(chunks).subarray(0, maxBytes));
}

/** Splits a body into lines while it arrives in pieces that may be cut at any byte. */
export interface LineReader {
  /** The lines that end in this piece, without their line feeds. */
  add: (piece: Uint8Array) => string[];
  /** Returns what came after the last line feed. */
  rest: () => string;
  /** Returns the first byte of a line that has begun and not ended; null where there is none. */
  pending: () => number | null;
}

/** Throws a `BrokenAnswer` where all that came is too large, or a line is no UTF-8. */
export function createLineReader(maxBytes = maxAnswerBytes): LineReader {
  let begun: Uint8Array[] = [];
  let bytes = 0;
  let isFirst = true;
  const take = (): string => {
    const line = strictly(begun.length === 1 ? begun[0]! : Buffer.concat(begun));
    begun = [];
    const text = isFirst ? withoutMark(line) : line;
    isFirst = false;
    return text;
  };
  return {
    add(piece) {
      bytes += piece.length;
      checkSize(bytes, maxBytes);
      const lines: string[] = [];
      let from = 0;
      for (let end = piece.indexOf(lineFeed); end !== -1; end = piece.indexOf(lineFeed, from)) {
        begun.push(piece.subarray(from, end));
        lines.push(take());
        from = end + 1;
      }
      if (from < piece.length) begun.push(piece.subarray(from));
      return lines;
    },
    rest: () => (begun.length === 0 ? '' : take()),
    pending: () => begun[0]?.[0] ?? null,
  };
}

const lineFeed = 0x0a;

function checkSize(bytes: number, maxBytes: number): void {
  if (bytes <= maxBytes) return;
  throw new BrokenAnswer(
    'invalid-response',
    `The answer of the server is larger than ${formatInteger(maxBytes)} bytes.`,
  );
}

/**
 * Decodes UTF-8 and throws on bytes that are not UTF-8: undici's `setEncoding` decodes each piece alone, and its
 * `text()` puts U+FFFD in place of what it can't read, so that a success would hold what the model did not say.
 */
function strictly(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new BrokenAnswer(
      'invalid-response',
      'The server sent bytes that are not UTF-8, so its answer cannot be read.',
    );
  }
}

const withoutMark = (text: string): string => (text.startsWith('\uFEFF') ? text.slice(1) : text);
