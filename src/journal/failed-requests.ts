import { uint8Column } from '../data/growable-array.ts';
import { createIdIndex } from '../data/id-index.ts';
import { readResultLines } from '../files/read-result-lines.ts';
import { openOutputForReading } from './read-best-results.ts';
import { readAnyLine, readResultHead } from './result-head.ts';

/** The requests of an output that failed, and have no answer in it. */
export interface FailedRequests {
  count: number;
  has: (id: string) => boolean;
}

/** Reads which requests of an output failed; takes about 20 bytes for each of its ids. Throws a `UsageError` where it can't be read. */
export async function readFailedRequests(path: string): Promise<FailedRequests> {
  const ids = createIdIndex();
  const failed = uint8Column();
  let size = 0;
  const handle = await openOutputForReading(path);
  try {
    for await (const lines of readResultLines(handle)) {
      for (const { bytes, terminated } of lines) {
        const head = terminated ? readResultHead(bytes) : readAnyLine(bytes);
        if (head === null) continue;
        const isNew = ids.claim(head.id, size);
        const entry = isNew ? size++ : ids.find(head.id);
        if (head.kind === null || isNew) failed.set(entry, Number(head.kind !== null));
      }
    }
  } finally {
    await handle.close();
  }
  let count = 0;
  for (let entry = 0; entry < size; entry++) count += failed.get(entry);
  return { count, has: (id) => failed.get(ids.find(id)) === 1 };
}
