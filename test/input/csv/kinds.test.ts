import { describe, expect, test } from 'vitest';
import { csvToJsonl } from '../../../src/input/csv/csv-rows.ts';
import { collect } from '../../helpers/scratch-folder.ts';
import { noDefaults, scanText } from '../scan-text.ts';
import { type BatchRequest, type ReadLine, isRejected, textOf } from '../../../src/core/request.ts';

/** Reads a table whose rows are requests, in pieces of `size` bytes. */
async function read(csv: string, delimiter: string | null = null, size = 4): Promise<ReadLine[]> {
  const bytes = Buffer.from(csv);
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
  }
  const jsonl = Buffer.concat(await collect(csvToJsonl(pieces(), { delimiter })));
  return (await scanText(jsonl, { form: 'csv', defaults: noDefaults })).rows;
}

/** Of each row its id, and its prompt or why it is none. */
async function summary(csv: string, delimiter: string | null = null): Promise<string[]> {
  const rows = await read(csv, delimiter);
  return rows.map((row) => `${row.id}: ${isRejected(row) ? row.reason : promptOf(row)}`);
}

const promptOf = ({ body }: BatchRequest): string => textOf(body.messages?.[0]?.content ?? null);

const refusal = (csv: string): Promise<unknown> => read(csv).catch((error: unknown) => error);

describe('the character between the cells', () => {
  test.each([
    ['a semicolon', 'id;prompt;price\n1;a, b;1,5\n2;"x;y";2,5\n'],
    ['a tab', 'id\tprompt\tnote\n1\ta, b\t;\n2\tx;y\t|\n'],
    ['a bar', 'id|prompt\n1|a, b\n2|x;y\n'],
    ['a comma, with the others inside quotes', '"id","prompt","a;b\tc"\n1,"a, b",\n2,x;y,\n'],
    ['a semicolon, with a comma inside quotes and blanks', 'id; "prompt"; "a, b"\n1;a, b;\n2;"x;y";\n'],
    ['named by Excel', 'sep=;\r\nid;prompt,x;prompt\r\n1;;a, b\r\n2;;"x;y"\r\n'],
    ['named by Excel in quotes', '"sep=|"\nid|prompt\n1|a, b\n2|x;y\n'],
    ['behind empty lines', '\n\r\nid;prompt\n1;a, b\n2;"x;y"\n'],
    ['behind a row of empty cells', ';;\nid;prompt;\n1;a, b;\n2;"x;y";\n'],
  ])('is found in the header: %s', async (_name, csv) => {
    expect(await summary(csv)).toEqual(['1: a, b', '2: x;y']);
  });

  test('of one column is none', async () => {
    expect(await summary('prompt\na;b\n"c, d"\n')).toEqual(['line-2: a;b', 'line-3: c, d']);
  });

  test('that could be two is refused with the flags to choose from', async () => {
    expect(await refusal('id;prompt, long;x\n1;a;b\n')).toMatchObject({
      message: 'the header of the CSV has 2 columns with ",", and 3 columns with ";"',
      hint: "Say which it is: --delimiter ',' or --delimiter ';'",
    });
    expect(await refusal('id\tname;prompt\n')).toMatchObject({ hint: expect.stringContaining('--delimiter tab') });
  });

  test.each([';', '~', ' ', '§', '\t'])('is the one that was given: %j', async (delimiter) => {
    const csv = ['id,x', 'prompt|y'].join(delimiter) + `\r\n1${delimiter}"a""${delimiter}"\r\n`;
    const [row] = await read(`sep=;\n${csv}`.replace('id,x', 'id').replace('prompt|y', 'prompt'), delimiter);
    expect(row).toMatchObject({ id: '1', line: 3, body: { messages: [{ content: `a"${delimiter}` }] } });
  });
});

describe('what spreadsheets leave behind', () => {
  test('empty columns without a name are dropped at the end, and in a row', async () => {
    expect(await summary('id,prompt,,\n1,a,,\n2,b, ,\n3,c\n4,d,,,,\n')).toEqual(['1: a', '2: b', '3: c', '4: d']);
  });

  test('a filled one is told by its letter', async () => {
    expect(await summary(`id,prompt,,\n1,a,,x\n2,b,,\n3,c,,,,y\n`)).toEqual([
      'line-2: column D has no name in the header, and this row fills it',
      '2: b',
      'line-4: 6 columns, where the header has 2',
    ]);
  });

  test('a row of empty cells is a blank line, and the others keep their numbers', async () => {
    const rows = await read('id,prompt\n,\n1,a\n , \n"",""\n,b\n,,,\n');
    expect(rows.map(({ line, id }) => [line, id])).toEqual([
      [3, '1'],
      [6, 'line-6'],
    ]);
    expect(rows[1]).toMatchObject({ reason: 'id is empty' });
  });

  test('a column of numbers without a name is called by its letter', async () => {
    const [row] = await read(',id,prompt\n0,7,hello\n');
    expect(row).toMatchObject({ id: '7', rowJson: '{"column A":"0"}' });
  });

  test('blanks around a name are no part of it, nor those around quotes part of a cell', async () => {
    expect(await summary('id, prompt ,x\n1, a,\n2, "b, c" ,\n3, "d" e,\n')).toEqual(['1:  a', '2: b, c', '3:  "d" e']);
  });
});

describe('a header', () => {
  test.each([
    ['id,text,,text\n', 'the CSV\'s header names two columns "text", B and D'],
    ['17,3.5\n1,2\n', 'the first line of the CSV has only numbers (17, 3.5) instead of column names'],
    ['17;"3,5"\n', 'the first line of the CSV has only numbers (17, 3,5) instead of column names'],
    ['""\n1\n', "the CSV's header has no column name"],
    [`${'a'.repeat(3)},"b\nc`, "the CSV's header can't be read: a quote that is never closed"],
  ])('such as %j is refused', async (csv, message) => {
    const error = await refusal(csv);
    expect(error).toMatchObject({ name: 'UsageError', message: expect.stringContaining(message) });
  });

  test('may count its columns, and have cells of several lines', async () => {
    expect(await summary('0,1,prompt\n\n,,a\n'.replace('0,1,', 'id,0,'))).toEqual(['line-3: id is empty']);
    expect(await refusal('0,1,2\na,b,c\n')).toMatchObject([{ reason: expect.stringContaining('no prompt') }]);
    expect(await summary('"id","a\n;b",prompt\n1,,x\n', ',')).toEqual(['1: x']);
  });
});

test('quotes between tabs are text where they make no sense as quotes', async () => {
  const tsv = 'id\tprompt\n1\t"a\tb"\n2\t"so" he said\n3\t5" wide\n4\t"never closed\n5\tok\n';
  expect(await summary(tsv)).toEqual(['1: a\tb', '2: "so" he said', '3: 5" wide', '4: "never closed', '5: ok']);
});
