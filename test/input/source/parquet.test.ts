import { type FileHandle, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parquetToJsonl } from '../../../src/input/source/parquet-rows.ts';
import { createCliFolder, mock } from '../../helpers/run-cli.ts';
import { collect, scratchFolder } from '../../helpers/scratch-folder.ts';

type Options = Parameters<typeof parquetWriteBuffer>[0];

const write = (columnData: Options['columnData'], options: Partial<Options> = {}): Buffer =>
  Buffer.from(parquetWriteBuffer({ columnData, ...options }));

async function rowsOf(bytes: Buffer): Promise<string[]> {
  const path = join(await scratchFolder(), 'rows.parquet');
  await writeFile(path, bytes);
  const handle: FileHandle = await open(path);
  onTestFinished(() => handle.close());
  const text = Buffer.concat(await collect(parquetToJsonl(handle, 'rows.parquet'))).toString();
  return text.split('\n').slice(0, -1);
}

describe('the rows of a Parquet file', () => {
  test('keep digits, times and what lies in them', async () => {
    const bytes = write([
      { name: 'id', data: [1790000000000000123n, -1n], type: 'INT64' },
      { name: 'text', data: ['Köln "x"\n', null] },
      { name: 'score', data: [0.5, NaN], type: 'DOUBLE' },
      { name: 'is_new', data: [true, false] },
      { name: 'at', data: [new Date('2026-01-31T10:20:30.450Z'), new Date(-500)] },
      { name: 'tags', data: [['a', 'b'], []] },
      { name: 'more', data: [{ n: 1 }, [1]], type: 'JSON' },
      { name: '__proto__', data: ['p', 'q'] },
    ]);
    expect(await rowsOf(bytes)).toEqual([
      '{"id":1790000000000000123,"text":"Köln \\"x\\"\\n","score":0.5,"is_new":true,"at":"2026-01-31T10:20:30.45Z","tags":["a","b"],"more":{"n":1},"__proto__":"p"}',
      '{"id":-1,"text":null,"score":null,"is_new":false,"at":"1969-12-31T23:59:59.5Z","tags":[],"more":[1],"__proto__":"q"}',
    ]);
  });

  test('keep the digits of decimals and the days of dates', async () => {
    const bytes = write(
      [
        { name: 'price', data: [19.99, -0.05] },
        { name: 'day', data: [20_484, -1] },
      ],
      {
        schema: [
          { name: 'root', num_children: 2 },
          {
            name: 'price',
            type: 'INT32',
            converted_type: 'DECIMAL',
            scale: 2,
            precision: 9,
            repetition_type: 'REQUIRED',
          },
          { name: 'day', type: 'INT32', converted_type: 'DATE', repetition_type: 'REQUIRED' },
        ],
      },
    );
    expect(await rowsOf(bytes)).toEqual(['{"price":19.99,"day":"2026-01-31"}', '{"price":-0.05,"day":"1969-12-31"}']);
  });

  test('keep what is nested, by its types, as pyarrow writes them', async () => {
    expect(await rowsOf(await readFile('fixtures/inputs/nested.parquet'))).toEqual([
      '{"d":{"price":12345678901234567890.12,"prices":[1.10,null],"at":"2026-01-01T01:02:03"},"map":{"b":-1.50,"a":null},"floats":[[0.1,null],[]],"times":[{"at":"01:02:03.45","n":9223372036854775807}],"utc":"2026-01-01T12:00:00Z","local":"2026-01-01T12:00:00"}',
      '{"d":null,"map":{},"floats":null,"times":[],"utc":null,"local":null}',
    ]);
  });

  test('are all read, of several groups, packed or not', async () => {
    const data = Array.from({ length: 5000 }, (_, number) => `row ${number}`);
    for (const codec of ['SNAPPY', 'UNCOMPRESSED'] as const) {
      const rows = await rowsOf(write([{ name: 'text', data }], { codec, rowGroupSize: 700 }));
      expect(rows).toEqual(data.map((text) => JSON.stringify({ text })));
    }
  });

  test('of a broken file are refused', async () => {
    const bytes = write([{ name: 'text', data: Array.from({ length: 900 }, (_, number) => `row ${number}`) }]);
    const broken = [
      bytes.subarray(0, 100),
      bytes.subarray(0, -1),
      Buffer.concat([bytes.subarray(0, 60), bytes.subarray(90)]),
      Buffer.from('PAR1'),
    ];
    for (const each of broken) {
      await expect(rowsOf(each)).rejects.toMatchObject({
        name: 'UsageError',
        message: expect.stringContaining('broken Parquet'),
      });
    }
  });
});

test.each(['in.parquet', '-'])('a Parquet file is run as %s, and its records are counted', async (input) => {
  const folder = await createCliFolder();
  const bytes = write([{ name: 'prompt', data: ['one', '', 'three'] }]);
  await folder.write('in.parquet', bytes as unknown as string);
  const stdin = input === '-' ? (bytes as unknown as string) : '';
  const args = ['run', input, '-o', 'out.jsonl', '--limit', '2', ...mock()];
  expect((await folder.run(args, { stdin })).exitCode).toBe(3);
  const results = await folder.results('out.jsonl');
  expect(results.map(({ custom_id, error }) => [custom_id, error?.message ?? null])).toEqual([
    ['line-1', null],
    ['line-2', 'record 2: "prompt" is empty'],
  ]);
});
