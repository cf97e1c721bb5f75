import { readFile } from 'node:fs/promises';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { csvToJsonl } from '../../../src/input/csv/csv-rows.ts';
import { collect } from '../../helpers/scratch-folder.ts';
import { noDefaults, scanText, summarise } from '../scan-text.ts';
import { compilePromptTemplate } from '../../../src/input/template/prompt-template.ts';

const commas = { delimiter: ',' };

/** The rows of a CSV that arrives in pieces of `size` bytes. */
async function linesOf(csv: string | Buffer, size = 65_536): Promise<string[]> {
  const bytes = Buffer.from(csv);
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
  }
  const text = Buffer.concat(await collect(csvToJsonl(pieces(), commas))).toString();
  return text.split('\n').slice(0, -1);
}

const rowsOf = async (csv: string, size?: number): Promise<unknown[]> =>
  (await linesOf(csv, size)).filter((line) => line !== '').map((line): unknown => JSON.parse(line));

/** Of each row the line of the CSV that its id tells, and why it is no request. */
async function summaryOf(csv: string | Buffer, size?: number): Promise<[string, string | null][]> {
  const template = await compilePromptTemplate('{{name}}');
  const text = (await linesOf(csv, size)).map((line) => `${line}\n`).join('');
  return summarise((await scanText(text, { form: 'csv', defaults: { ...noDefaults, template } })).rows);
}

test('quotes, commas and line feeds in cells are text, and spaces stay', async () => {
  const rows = await rowsOf(await readFile(new URL('../../../fixtures/inputs/rows.csv', import.meta.url), 'utf8'));
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
    // A row of blanks alone is none.
    const filled = rows.filter((cells) => cells.join('').trim() !== '');
    expect(await rowsOf(csv, size)).toEqual(filled.map(([id, text]) => ({ id, text })));
  });
  await fc.assert(run, { numRuns: 100 });
});

test('a row with too few or too many cells, or not in UTF-8, is marked, and the others are read', async () => {
  const csv = Buffer.from('id,name\n1,Ada\n2\n3,Bo,extra\n4,caf\xe9\n5,Cy', 'latin1');
  expect(await summaryOf(csv)).toEqual([
    ['1', null],
    ['line-3', '1 column, where the header has 2'],
    ['line-4', '3 columns, where the header has 2'],
    ['4', expect.stringContaining('not valid UTF-8: name the encoding')],
    ['5', null],
  ]);
});

test.each([
  ['empty', ''],
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
  await expect(linesOf('id,name,id\n1,Ada,2\n')).rejects.toThrow('names two columns "id", A and C');
});

test('a file in another encoding is refused, with what to do', async () => {
  const ansi = Buffer.from('id,Größe\n1,Ada\n', 'latin1');
  await expect(linesOf(ansi)).rejects.toMatchObject({
    message: "the CSV's header is not in UTF-8",
    hint: expect.stringContaining('--encoding'),
  });
});

const badQuote = 'a quote that is never closed, or not doubled inside its cell';

test('a quote inside a cell that does not start with one is text', async () => {
  expect(await rowsOf('name\nJohn "J" Doe\nAnn\n')).toEqual([{ name: 'John "J" Doe' }, { name: 'Ann' }]);
});

test.each([1, 7, 1000])('a quote out of place fails its own line only, in pieces of %i bytes', async (size) => {
  const csv = 'name,city\nAda,Rome\n"Bo" B,Oslo\nCy,"Bern\nDo,"Lima"\n"Ed",Ulm\nFay,"Paris\nGus,Graz';
  expect(await summaryOf(csv, size)).toEqual([
    ['line-2', null],
    ['line-3', badQuote],
    ['line-4', badQuote],
    ['line-5', null],
    ['line-6', null],
    ['line-7', badQuote],
    ['line-8', null],
  ]);
});

test('a header with a quote out of place is refused', async () => {
  await expect(linesOf('id,"name\n1,Ada\n')).rejects.toMatchObject({
    name: 'UsageError',
    message: expect.stringContaining('header'),
  });
});

test.each(['\n', '\r\n'])(
  'a row has the number of the line that it starts on, with lines that end in %j',
  async (end) => {
    const csv = [
      '',
      'name,city',
      'Ada,"one',
      'two',
      '',
      'three"',
      '',
      '',
      'Bo,Oslo',
      'bad',
      '"Cy',
      '",Bern',
      'Do,Lima',
    ];
    expect(await summaryOf(csv.join(end))).toEqual([
      ['line-3', null],
      ['line-9', null],
      ['line-10', '1 column, where the header has 2'],
      ['line-11', null],
      ['line-13', null],
    ]);
  },
);

test('a CSV of old, with carriage returns alone, is refused with what to do', async () => {
  await expect(linesOf('id,name\r1,Ada\r2,Bo\r')).rejects.toMatchObject({ hint: expect.stringContaining('tr ') });
});

test('a quoted cell of 2 MB that comes in many pieces is one cell', async () => {
  const name = 'a line, and "more"\n'.repeat(110_000);
  expect(await rowsOf(`name\n${quote(name)}\nAda\n`, 65_536)).toEqual([{ name }, { name: 'Ada' }]);
});

async function* brokenPipe(): AsyncGenerator<Buffer> {
  yield Buffer.from('id\n1\n');
  throw new Error('the pipe broke');
}

test('a failing source is the failure', async () => {
  await expect(collect(csvToJsonl(brokenPipe(), commas))).rejects.toThrow('the pipe broke');
});

test('a column called __proto__ is a column', async () => {
  expect(await linesOf('id,__proto__\n1,x\n')).toEqual(['{"id":"1","__proto__":"x"}']);
});

test('columns keep their order, also those that are called by a number', async () => {
  expect(await linesOf('name,2023,2022,__proto__\nAda,10,2,x\n')).toEqual([
    '{"name":"Ada","2023":"10","2022":"2","__proto__":"x"}',
  ]);
});
