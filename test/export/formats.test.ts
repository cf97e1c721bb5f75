import { parquetReadObjects } from 'hyparquet';
import { describe, expect, test } from 'vitest';
import { findTypes, writeParquet } from '../../src/export/parquet.ts';
import { type TextFormat, createCsv, createJson, createJsonl, createMarkdown } from '../../src/export/text-formats.ts';

type Cells = (string | undefined)[];

const write = ({ head, row, foot }: TextFormat, rows: Cells[]): string => `${head}${rows.map(row).join('')}${foot}`;
const nested = '{"a": [1,\n "x  y"]}';

describe('a table as text', () => {
  test('quotes what CSV must quote, and no more', () => {
    const rows = [
      ['"a,b"', String.raw`"say \"hi\""`, String.raw`"x\r\ny"`, '12.50', nested],
      [undefined, 'null', '" b"', 'true', '""'],
    ];
    expect(write(createCsv(['one', 'two', '3', '4', '5;'], ',', false), rows)).toBe(
      'one,two,3,4,5;\n"a,b","say ""hi""","x\r\ny",12.50,"{""a"":[1,""x  y""]}"\n,," b",true,\n',
    );
  });

  test.each([
    [';', '"a;b"'],
    ['|', 'a;b'],
    ['^', 'a;b'],
    ['\\', 'a;b'],
    [']', 'a;b'],
  ])('takes %s as delimiter', (delimiter, cell) => {
    expect(write(createCsv(['x', 'y'], delimiter, true), [['"a;b"', JSON.stringify(`1${delimiter}2`)]])).toBe(
      `\ufeffx${delimiter}y\n${cell}${delimiter}"1${delimiter}2"\n`,
    );
  });

  test('leaves no line empty', () => {
    expect(write(createCsv(['x'], ',', false), [[undefined]])).toBe('x\n""\n');
  });

  test('is JSON, line by line or as one list, with all keys and digits', () => {
    const rows = [
      ['"a"', '12345678901234567890'],
      [undefined, nested],
    ];
    const lines = ['{"x":"a","\\"":12345678901234567890}', '{"x":null,"\\"":{"a":[1,"x  y"]}}'];
    expect(write(createJsonl(['x', '"']), rows)).toBe(`${lines.join('\n')}\n`);
    expect(write(createJson(['x', '"']), rows)).toBe(`[\n${lines.join(',\n')}\n]\n`);
    expect(JSON.parse(write(createJson(['x']), []))).toEqual([]);
  });

  test('makes no markup of data in Markdown', () => {
    expect(write(createMarkdown(['x_y']), [[String.raw`"a|b\n<img src=x> ![p](http://x) *\\|"`]])).toBe(
      String.raw`| x\_y |
| --- |
| a\|b<br>\<img src=x\> !\[p\](http://x) \*\\\| |
`,
    );
  });
});

async function* each(rows: Cells[]): AsyncGenerator<Cells> {
  yield* rows;
}

async function throughParquet(names: string[], rows: Cells[]): Promise<Record<string, unknown>[]> {
  const blocks: Buffer[] = [];
  const types = await findTypes(names.length, each(rows));
  await writeParquet({ names, types, rows: each(rows) }, async (bytes) => blocks.push(bytes) > 0);
  const { buffer, byteOffset, byteLength } = Uint8Array.from(Buffer.concat(blocks));
  return parquetReadObjects({ file: buffer.slice(byteOffset, byteOffset + byteLength) });
}

describe('a table as Parquet', () => {
  test('has for each column the type that holds all its values', async () => {
    const names = ['text', 'whole', 'long', 'real', 'flag', 'mixed', 'nested', 'exact', 'none', 'huge'];
    const rows = [
      ['"é"', '1', '1234567890123456789', '1.5', 'true', '1', '[1, 2]', '1.5', undefined, '9223372036854775808'],
      ['"x\\ny"', '-2', '5', '2', 'null', '"b"', '{"a":1}', '1234567890123456789', 'null', '1'],
    ];
    expect(await throughParquet(names, rows)).toEqual([
      {
        text: 'é',
        whole: 1n,
        long: 1234567890123456789n,
        real: 1.5,
        flag: true,
        mixed: '1',
        nested: '[1,2]',
        exact: '1.5',
        none: null,
        huge: '9223372036854775808',
      },
      {
        text: 'x\ny',
        whole: -2n,
        long: 5n,
        real: 2,
        flag: null,
        mixed: 'b',
        nested: '{"a":1}',
        exact: '1234567890123456789',
        none: null,
        huge: '1',
      },
    ]);
  });

  test('keeps a decimal that a double would round as text', async () => {
    const rows = [
      ['12345678901234567890.12', '0.12345678901234567890', '0.1', '123456789012345.67'],
      ['1.00', '-2.5', '1e300', '0.30000000000000004'],
    ];
    expect(await throughParquet(['price', 'share', 'real', 'long'], rows)).toEqual([
      { price: rows[0]![0], share: rows[0]![1], real: 0.1, long: 123456789012345.67 },
      { price: '1.00', share: '-2.5', real: 1e300, long: 0.30000000000000004 },
    ]);
  });

  test('is written in groups of rows', async () => {
    const read = await throughParquet(
      ['n', 'text'],
      Array.from({ length: 20_001 }, (_, at) => [`${at}`, `"${at}"`]),
    );
    expect([read.length, read[0], read.at(-1)]).toEqual([20_001, { n: 0n, text: '0' }, { n: 20_000n, text: '20000' }]);
  });

  test('may have no row', async () => {
    expect(await throughParquet(['n'], [])).toEqual([]);
  });
});
