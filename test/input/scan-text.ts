import { readLineBlocks } from '../../src/files/read-lines.ts';
import { type ReadLine, type RejectedLine, isRejected } from '../../src/core/request.ts';
import { readItems } from '../../src/input/read-items.ts';
import type { LineDefaults } from '../../src/input/read-request.ts';
import { type InputScan, type ScanOptions, createInputScan } from '../../src/input/scan-input.ts';
import { collect, openForTest, scratchFile } from '../helpers/scratch-folder.ts';

export const noDefaults: LineDefaults = { model: 'mock', system: null, template: null, parameters: {}, idField: null };

/** Scans a text as a file, and reads all its rows again. */
export async function scanText(
  text: string | Buffer,
  options: Partial<ScanOptions> = {},
): Promise<{ scan: InputScan; rows: ReadLine[] }> {
  const handle = await openForTest(await scratchFile(text));
  const scan = createInputScan({ defaults: noDefaults, limit: null, form: 'jsonl', ...options });
  for await (const lines of readLineBlocks(handle)) scan.add(lines);
  const batches = await collect(
    readItems(
      handle,
      scan,
      Array.from({ length: scan.table.size }, (_, row) => row),
    ),
  );
  return { scan, rows: batches.flat().map(({ read }) => read) };
}

/** Of each row its id, and why it is no request. */
export const summarise = (rows: ReadLine[]): [string, string | null][] =>
  rows.map((row) => [row.id, isRejected(row) ? row.reason : null]);

export const reasons = (rows: ReadLine[]): Record<string, string> =>
  Object.fromEntries(rows.filter((row): row is RejectedLine => isRejected(row)).map(({ id, reason }) => [id, reason]));
