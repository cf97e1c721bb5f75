import type { FileHandle } from 'node:fs/promises';
import { JournalError } from '../core/errors.ts';

const firstBytes = 256;

/* oxlint-disable no-control-regex -- the bytes of other forms are control characters */

/** Patterns of the first bytes, read as Latin-1, and the form that they show. A result that llmbatch wrote begins with `{"`. */
const forms: readonly [pattern: RegExp, form: string][] = [
  [/^\x1f\x8b/, 'a gzip file'],
  [/^(\xff\xfe|\xfe\xff|\{\0|\0\{)/, 'UTF-16'],
  [/^\s*\[/, 'a JSON array'],
  [/^\s*\{\s*\n/, 'indented JSON'],
];

/**
 * Refuses an output that another program rewrote in another form: none of its lines could be read, and every request would
 * be sent, and paid for, again. Throws a `JournalError`; the file is not touched.
 */
export async function checkEncoding(handle: FileHandle, path: string): Promise<void> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(firstBytes), 0, firstBytes, 0);
  const start = buffer.toString('latin1', 0, bytesRead).replace(/^\xef\xbb\xbf/, '');
  const [, form] = forms.find(([pattern]) => pattern.test(start)) ?? [];
  if (form === undefined) return;
  throw new JournalError(
    `${path} was rewritten as ${form}: no result in it can be read`,
    'Bring it back to one result a line in UTF-8, or choose another place with -o.',
  );
}
