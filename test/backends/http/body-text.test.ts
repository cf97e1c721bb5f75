import { describe, expect, test } from 'vitest';
import { createLineReader, quotableText, wholeText } from '../../../src/backends/http/body-text.ts';

async function* chunks(...parts: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

function lines(...parts: Uint8Array[]): string[] {
  const reader = createLineReader();
  const whole = parts.flatMap((part) => reader.add(part));
  return [...whole, reader.rest()];
}

// Characters of one to four bytes; what a server itself replaced stays.
const text = 'aß€😀翻\n\uFFFD\u0301.';
const bytes = Buffer.from(text);
const paths = Array.from({ length: bytes.length + 1 }, (_, index) => index);

describe('a text', () => {
  test.each(paths)('that is cut after %i bytes is read as it is', async (at) => {
    const parts = [bytes.subarray(0, at), bytes.subarray(at)];
    expect(lines(...parts)).toEqual(text.split('\n'));
    expect(await wholeText(chunks(...parts))).toBe(text);
    expect(await quotableText(chunks(...parts))).toBe(text);
  });

  test('that comes byte by byte is read as it is', async () => {
    const parts = [...bytes].map((byte) => Uint8Array.of(byte));
    expect(lines(...parts)).toEqual(text.split('\n'));
    expect(await wholeText(chunks(...parts))).toBe(text);
  });

  test('may begin with a byte order mark, which is no part of it', async () => {
    const parts = [Uint8Array.of(0xef, 0xbb), Uint8Array.of(0xbf), bytes];
    expect(lines(...parts)).toEqual(text.split('\n'));
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
    expect(() => lines(wrong)).toThrow(expect.objectContaining(broken));
    await expect(wholeText(chunks(wrong))).rejects.toMatchObject(broken);
  });

  test('may be quoted', async () => {
    expect(await quotableText(chunks(wrong))).toContain('\uFFFD');
  });
});

describe('what is too large', () => {
  const broken = {
    name: 'BrokenAnswer',
    kind: 'invalid-response',
    message: expect.stringContaining('larger than') as string,
  };

  test('is no answer, and is not read on', async () => {
    let read = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        read++;
        yield new Uint8Array(10);
      }
    }
    await expect(wholeText(endless(), 100)).rejects.toMatchObject(broken);
    expect(read).toBe(11);
    expect(await quotableText(endless(), 25)).toHaveLength(25);
    expect(read).toBe(14);
  });

  test('counts all lines together', () => {
    const reader = createLineReader(10);
    expect(reader.add(Buffer.from('1234\n678'))).toEqual(['1234']);
    expect(() => reader.add(Buffer.from('901'))).toThrow(expect.objectContaining(broken));
  });
});

test('a line that comes in many pieces is put together once', () => {
  const reader = createLineReader();
  const piece = Buffer.alloc(1000, 'x');
  const startedAt = process.cpuUsage().user;
  for (let count = 0; count < 100_000; count++) reader.add(piece);
  expect(reader.add(Buffer.from('\n'))[0]).toHaveLength(100_000_000);
  // 100 MB take a fraction of a second; the square of that, hours.
  expect((process.cpuUsage().user - startedAt) / 1e6).toBeLessThan(60);
});
