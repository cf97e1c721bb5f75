import { readFile } from 'node:fs/promises';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { csvToJsonl } from '../../src/input/csv-rows.ts';
import { collect } from '../helpers/scratch-folder.ts';
import { noDefaults, scanText, summarise } from './scan-text.ts';
import { compilePromptTemplate } from '../../src/input/prompt-template.ts';

/** The rows of a CSV that arrives in pieces of `size` bytes. */
async function linesOf(csv: string | Buffer, size = 65_536): Promise<string[]> {
  const bytes = Buffer.from(csv);
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
  }
  const text = Buffer.concat(await collect(csvToJsonl(pieces()))).toString();
  return text.split('\n').slice(0, -1);
}

const rowsOf = async (csv: string, size?: number): Promise<unknown[]> =>
  (await linesOf(csv, size)).map((line): unknown => JSON.parse(line));

test('quotes, commas and line feeds in cells are text, and spaces stay', async () => {
  const rows = await rowsOf(await readFile(new URL('../../fixtures/inputs/rows.csv', import.meta.url), 'utf8'));
  expect(rows).toHaveLength(6);
  expect(rows[1]).toEqual({ id: '2', name: 'Müller', city: 'Zürich', skills: 'java', notes: 'says "hello", often' });
  expect(rows[2]).toMatchObject({ name: '田中', notes: 'two\nlines' });
  expect(rows[5]).toMatchObject({ name: ' Kabe ', skills: '"aws"', notes: 'line one\r\nline two, with a comma' });
});

const quote = (text: string): string => `"${text.replaceAll('"', '""')}"`;

test('any table comes through a CSV as it is, in pieces of any size', async () => {
  const cell = fc.string({ unit: fc.constantFrom('a', 'é', '😀', '"', ',', '\n', '\r\n', ' ', ';') });
  const table = fc.array(fc.array(cell, { minLength: 2, maxLength: 2 }), { maxLength: 5 });
  const run = fc.asyncProperty(table, fc.integer({ min: 1, max: 20 }), async (rows, size) => {
    const csv = [['id', 'text'], ...rows].map((row) => row.map(quote).join(',')).join('\r\n');
    expect(await rowsOf(csv, size)).toEqual(rows.map(([id, text]) => ({ id, text })));
  });
  await fc.assert(run, { numRuns: 100 });
});

test.each([1, 2, 3, 100])('a byte order mark is no part of the header, also in pieces of %i bytes', async (size) => {
  expect(await rowsOf('\uFEFF"id",name\r\n1,Ada\r\n', size)).toEqual([{ id: '1', name: 'Ada' }]);
});

test('a row with too few or too many cells, or not in UTF-8, is marked, and the others are read', async () => {
  const csv = Buffer.from('id,name\n1,Ada\n2\n3,Bo,extra\n4,caf\xe9\n5,Cy', 'latin1');
  const template = await compilePromptTemplate('{{name}}');
  const lines = await linesOf(csv);
  const { rows } = await scanText(`${lines.join('\n')}\n`, { linesBefore: 1, defaults: { ...noDefaults, template } });
  expect(summarise(rows)).toEqual([
    ['1', null],
    ['line-3', '1 columns, where the header has 2'],
    ['line-4', '3 columns, where the header has 2'],
    ['line-5', 'not valid UTF-8'],
    ['5', null],
  ]);
});

test.each([
  ['empty', ''],
  ['a byte order mark', '\uFEFF'],
  ['a header alone', 'id,name\n'],
  ['a header and empty lines', 'id,name\n\n\r\n\n'],
])('a file that is %s has no rows', async (_name, csv) => {
  expect(await linesOf(csv)).toEqual([]);
});

test('line ends may be mixed', async () => {
  expect(await rowsOf('id,name\n1,Ada\r\n2,Bo\n', 1)).toEqual([
    { id: '1', name: 'Ada' },
    { id: '2', name: 'Bo' },
  ]);
});

test('a column that the header names twice is refused', async () => {
  await expect(linesOf('id,name,id\n1,Ada,2\n')).rejects.toThrow('names the column "id" twice');
});

test('a file in another encoding is refused, with what to do', async () => {
  const utf16 = Buffer.from('\uFEFFid,name\n1,Ada\n', 'utf16le');
  await expect(linesOf(utf16)).rejects.toMatchObject({ name: 'UsageError', message: 'the CSV is not in UTF-8' });
});

test('a quote that is never closed is refused with its line', async () => {
  await expect(linesOf('id,name\n1,"Ada\n')).rejects.toThrow(/the CSV can't be read: Quote Not Closed.* line 2/);
});

async function* brokenPipe(): AsyncGenerator<Buffer> {
  yield Buffer.from('id\n1\n');
  throw new Error('the pipe broke');
}

test('a failing source is the failure', async () => {
  await expect(collect(csvToJsonl(brokenPipe()))).rejects.toThrow('the pipe broke');
});

test('a column called __proto__ is a column', async () => {
  expect(await linesOf('id,__proto__\n1,x\n')).toEqual(['{"id":"1","__proto__":"x"}']);
});
