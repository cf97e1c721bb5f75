import { type FileHandle, open } from 'node:fs/promises';
import { float64Column, uint32Column } from '../../../data/growable-array.ts';
import { createIdIndex } from '../../../data/id-index.ts';
import { isRecord } from '../../../data/is-record.ts';
import { readLineBlocks } from '../../../files/read-lines.ts';
import { readRanges } from '../../../files/read-ranges.ts';

/** What `convert` kept of a request that it wrote. */
export interface SentRequest {
  id: string;
  line: number;
  /** JSON was asked for. */
  json?: true;
  /** The JSON of its row, as it was written; absent where it has none. */
  rowJson?: string;
}

/** The map that `convert` writes beside its files. */
export interface HostedMap {
  to: string;
  input: string;
  sha256: string;
  /** The request that has this id at the service; null where `convert` wrote none. */
  find: (sent: string) => Promise<SentRequest | null>;
  close: () => Promise<void>;
}

/** Opens a map, of which about 30 bytes a request stay in memory; null where there is none of this name. */
export async function openHostedMap(path: string): Promise<HostedMap | null> {
  const handle = await open(path, 'r').catch(() => null);
  if (handle === null) return null;
  const index = createIdIndex();
  const places = { size: 0, offset: float64Column(), length: uint32Column() };
  let head: Record<string, unknown> | null = null;
  for await (const lines of readLineBlocks(handle)) {
    for (const { bytes, offset, length } of lines) {
      const entry = parsed(bytes);
      if (head === null) head = entry;
      if (typeof entry?.['sent'] !== 'string' || !index.claim(entry['sent'], places.size)) continue;
      places.offset.set(places.size, offset);
      places.length.set(places.size++, length);
    }
  }
  if (head?.['convert'] !== 1) {
    await handle.close();
    return null;
  }
  return {
    to: String(head['to']),
    input: String(head['input']),
    sha256: String(head['sha256']),
    find: (sent) => findEntry(handle, index.find(sent), places, sent),
    close: () => handle.close(),
  };
}

async function findEntry(
  handle: FileHandle,
  at: number,
  places: { offset: { get: (at: number) => number }; length: { get: (at: number) => number } },
  sent: string,
): Promise<SentRequest | null> {
  if (at === -1) return null;
  const [bytes] = await readRanges(handle, [{ offset: places.offset.get(at), length: places.length.get(at) }]);
  const entry = parsed(bytes!);
  if (entry === null || entry['sent'] !== sent) return null;
  const text = bytes!.toString('utf8');
  const rowAt = entry['row'] === undefined ? -1 : text.indexOf(',"row":');
  return {
    id: String(entry['id']),
    line: Number(entry['line']),
    ...(entry['json'] === true && { json: true }),
    // The row goes on as it was written, for its numbers to keep their digits.
    ...(rowAt !== -1 && { rowJson: text.slice(rowAt + ',"row":'.length, text.lastIndexOf('}')) }),
  };
}

function parsed(bytes: Buffer): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}
