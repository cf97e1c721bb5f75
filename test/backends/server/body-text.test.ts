import { describe, expect, test } from 'vitest';
import { quotableText, textPieces, wholeText } from '../../../src/backends/server/body-text.ts';

async function* chunks(...parts: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

async function pieces(...parts: Uint8Array[]): Promise<string> {
  let text = '';
  for await (const piece of textPieces(chunks(...parts))) text += piece;
  return text;
}

// Characters of one to four bytes; what a server itself replaced stays.
const text = 'aß€😀翻 \uFFFD\u0301.';
const bytes = Buffer.from(text);
const places = Array.from({ length: bytes.length + 1 }, (_, index) => index);

describe('a text', () => {
  test.each(places)('that is cut after %i bytes is read as it is', async (at) => {
    const parts = [bytes.subarray(0, at), bytes.subarray(at)];
    expect(await pieces(...parts)).toBe(text);
    expect(await wholeText(chunks(...parts))).toBe(text);
    expect(await quotableText(chunks(...parts))).toBe(text);
  });

  test('that comes byte by byte is read as it is', async () => {
    const parts = [...bytes].map((byte) => Uint8Array.of(byte));
    expect(await pieces(...parts)).toBe(text);
    expect(await wholeText(chunks(...parts))).toBe(text);
  });

  test('may begin with a byte order mark, which is no part of it', async () => {
    const parts = [Uint8Array.of(0xef, 0xbb), Uint8Array.of(0xbf), bytes];
    expect(await pieces(...parts)).toBe(text);
    expect(await wholeText(chunks(...parts))).toBe(text);
  });
});

describe.each([
  ['Latin-1', Buffer.from('größte', 'latin1')],
  ['UTF-16', Buffer.from('\uFEFFgr', 'utf16le')],
  ['a character that is not whole', bytes.subarray(0, 2)],
  ['half of a surrogate pair', Buffer.from([0xed, 0xa0, 0xbd])],
])('%s', (_name, wrong) => {
  const broken = { name: 'BrokenAnswer', kind: 'invalid-response' };

  test('is no answer', async () => {
    await expect(pieces(wrong)).rejects.toMatchObject(broken);
    await expect(wholeText(chunks(wrong))).rejects.toMatchObject(broken);
  });

  test('may be quoted', async () => {
    expect(await quotableText(chunks(wrong))).toContain('\uFFFD');
  });
});
