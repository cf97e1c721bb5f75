import { BrokenAnswer } from './broken-answer.ts';

/**
 * Makes text of bytes as they come, in which a character may lie in two pieces; null ends it. Bytes that are no UTF-8 are
 * thrown as a `BrokenAnswer`: nobody knows what they say. (undici's `setEncoding` decodes each piece alone, and its
 * `text()` writes U+FFFD for what it can't read.) A byte order mark at the start is left out.
 */
export function createDecoder(): (bytes: Uint8Array | null) => string {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  return (bytes) => {
    try {
      return bytes === null ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch {
      throw new BrokenAnswer(
        'invalid-response',
        'The server sent bytes that are no UTF-8, so its answer is not known.',
      );
    }
  };
}

/** The text of a body as it comes. */
export async function* textPieces(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decode = createDecoder();
  for await (const bytes of body) yield decode(bytes);
  yield decode(null);
}

/** The whole text of a body. */
export async function wholeText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: string[] = [];
  for await (const piece of textPieces(body)) pieces.push(piece);
  return pieces.join('');
}

/** What a server says of a failure: it is quoted and never an answer, so what can't be read is replaced. */
export async function quotableText(body: AsyncIterable<Uint8Array>, mostBytes = Infinity): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > mostBytes) break;
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}
