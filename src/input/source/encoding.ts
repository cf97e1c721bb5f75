import { UsageError } from '../../core/errors.ts';

/** Names that programs use, and the standard of the web does not. */
const otherNames: Record<string, string> = {
  ansi: 'windows-1252',
  cp932: 'shift_jis',
  cp936: 'gbk',
  cp949: 'euc-kr',
  cp950: 'big5',
  'latin-1': 'iso-8859-1',
  'mac-roman': 'macintosh',
  macroman: 'macintosh',
};

/** Throws a `UsageError` for an encoding that there is none of. Returns null for UTF-8, which needs no decoding. */
export function encodingOf(label: string): string | null {
  const name = label.trim().toLowerCase();
  for (const known of [name, otherNames[name], name.replaceAll('_', '-')]) {
    const encoding = known === undefined ? null : standardNameOf(known);
    if (encoding !== null) return encoding === 'utf-8' ? null : encoding;
  }
  throw new UsageError(
    `--encoding: no encoding is called "${label}"`,
    'Common ones: windows-1252, iso-8859-15, utf-16le, shift_jis, gb18030, euc-kr, big5, windows-1251, koi8-r, macintosh.',
  );
}

function standardNameOf(label: string): string | null {
  try {
    return new TextDecoder(label).encoding;
  } catch {
    return null;
  }
}

const marks: readonly [encoding: string, mark: Buffer][] = [
  ['utf-32le', Buffer.from([0xff, 0xfe, 0, 0])],
  ['utf-32be', Buffer.from([0, 0, 0xfe, 0xff])],
  ['utf-8', Buffer.from([0xef, 0xbb, 0xbf])],
  ['utf-16le', Buffer.from([0xff, 0xfe])],
  ['utf-16be', Buffer.from([0xfe, 0xff])],
];

/** The encoding that a byte order mark, or the zero bytes of text in Latin letters, tells of; null where none does. */
export function detectEncoding(head: Buffer): string | null {
  const marked = marks.find(([, mark]) => head.subarray(0, mark.length).equals(mark));
  if (marked !== undefined) return marked[0];
  const start = head.subarray(0, 64);
  if (start.length < 4) return null;
  return patterns.find(([, isZero]) => start.every((byte, at) => (byte === 0) === isZero[at % 4]))?.[0] ?? null;
}

/** Which of four bytes are zero in text of ASCII characters. */
const patterns: readonly [encoding: string, isZero: readonly boolean[]][] = [
  ['utf-16le', [false, true, false, true]],
  ['utf-16be', [true, false, true, false]],
  ['utf-32le', [false, true, true, true]],
  ['utf-32be', [true, true, true, false]],
];

/** Decodes a stream to UTF-8, without a byte order mark. Throws a `UsageError` at what is not of the encoding. */
export async function* decodeToUtf8(
  bytes: AsyncIterable<Buffer>,
  encoding: string,
  name: string,
): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  const decode = (piece?: Buffer): Buffer => {
    try {
      // Without `stream`, Node 20 decodes windows-1252 as ISO 8859-1.
      return Buffer.from(piece === undefined ? decoder.decode() : decoder.decode(piece, { stream: true }));
    } catch {
      throw new UsageError(
        `${name} is not ${encoding} throughout`,
        'Nothing was read. Set its encoding with --encoding, or correct the invalid bytes.',
      );
    }
  };
  for await (const piece of bytes) yield decode(piece);
  yield decode();
}

/** A stream of UTF-8 without its byte order mark. */
export async function* withoutMark(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const mark = Buffer.from('\uFEFF');
  let start: Buffer | null = Buffer.alloc(0);
  for await (const piece of bytes) {
    if (start === null) {
      yield piece;
      continue;
    }
    start = Buffer.concat([start, piece]);
    if (start.length < mark.length) continue;
    yield start.indexOf(mark) === 0 ? start.subarray(mark.length) : start;
    start = null;
  }
  if (start !== null) yield start;
}
