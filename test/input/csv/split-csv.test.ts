import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CsvRecord, splitCsv } from '../../../src/input/csv/split-csv.ts';
import { collect } from '../../helpers/scratch-folder.ts';

async function recordsOf(csv: string, size: number): Promise<CsvRecord[]> {
  const bytes = Buffer.from(csv);
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
  }
  return (await collect(splitCsv(pieces(), null))).flat();
}

test.each([1, 2, 3, 100])('the last line needs no line feed, in pieces of %i bytes', async (size) => {
  const cells = async (csv: string): Promise<(string[] | null)[]> =>
    (await recordsOf(csv, size)).map((record) => record.cells);
  expect(await cells('a,b')).toEqual([['a', 'b']]);
  expect(await cells('a,"b"')).toEqual([['a', 'b']]);
  expect(await cells('"a""",b\r\n"",\r')).toEqual([
    ['a"', 'b'],
    ['', ''],
  ]);
});

test('an empty cell in quotes is a record, an empty line is none', async () => {
  expect(await recordsOf('a\n\n""\n\r\n', 100)).toEqual([
    { line: 1, cells: ['a'] },
    { line: 3, cells: [''] },
  ]);
});

test('any text gives the same records in pieces of any size, on lines that only go up', async () => {
  const text = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r\n', '\r'), maxLength: 40 });
  const run = fc.asyncProperty(text, fc.integer({ min: 1, max: 9 }), async (csv, size) => {
    const records = await recordsOf(csv, size);
    expect(records).toEqual(await recordsOf(csv, 1000));
    const lines = records.map(({ line }) => line);
    expect(lines).toEqual([...new Set(lines)].toSorted((left, right) => left - right));
  });
  await fc.assert(run, { numRuns: 500 });
});
