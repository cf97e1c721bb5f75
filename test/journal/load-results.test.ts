import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { maxResultBytes } from '../../src/core/result-line.ts';
import { type RowState, type RowTable, rowStates } from '../../src/data/row-table.ts';
import { type LoadedResults, loadResults } from '../../src/journal/load-results.ts';
import { tornPathOf } from '../../src/journal/open-output.ts';
import { openForTest, scratchFolder } from '../helpers/scratch-folder.ts';
import { failed, success, tableOf, textOf } from './sample-results.ts';

const { open, rejected, succeeded } = rowStates;

interface Loaded extends LoadedResults {
  table: RowTable;
  heard: [number, string | null][];
  /** The text of the line that counts for each row; null where there is none. */
  chosen: (string | null)[];
  torn: string;
}

async function load(text: string, ids: string[], states: Partial<Record<number, RowState>> = {}): Promise<Loaded> {
  const path = join(await scratchFolder(), 'out.jsonl');
  await writeFile(path, text);
  const table = tableOf(ids);
  for (const [row, state] of Object.entries(states)) table.setState(Number(row), state ?? open);
  const heard: Loaded['heard'] = [];
  const handle = await openForTest(path);
  const bytes = Buffer.from(text);
  const loaded = await loadResults({ handle, path, size: bytes.length }, table, (row, { kind }) =>
    heard.push([row, kind]),
  );
  const chosen = ids.map((_, row) => {
    const offset = table.resultOffset(row);
    return offset < 0 ? null : bytes.toString('utf8', offset, offset + table.resultLength(row));
  });
  return { ...loaded, table, heard, chosen, torn: await readFile(tornPathOf(path), 'latin1').catch(() => '') };
}

const line = (result: Parameters<typeof textOf>[0][number]): string => JSON.stringify(result);

test('results are found by their id, whatever their line numbers say', async () => {
  const results = [success({ id: 'c' }, 9), failed({ id: 'a' }, 'timeout', 9)];
  const { chosen, heard, unknown } = await load(textOf(results), ['a', 'b', 'c']);
  expect(chosen).toEqual([line(results[1]!), null, line(results[0]!)]);
  expect(heard).toEqual([
    [2, null],
    [0, 'timeout'],
  ]);
  expect(unknown).toEqual([]);
});

test('of several lines for one id the last success counts, else the last failure', async () => {
  const results = [
    failed({ id: 'a' }, 'timeout'),
    failed({ id: 'a' }, 'overloaded'),
    failed({ id: 'b' }),
    success({ id: 'b', text: 'first' }),
    failed({ id: 'b' }),
    success({ id: 'b', text: 'second' }),
    failed({ id: 'b' }),
  ];
  const { chosen, table } = await load(textOf(results), ['a', 'b']);
  expect(chosen).toEqual([line(results[1]!), line(results[5]!)]);
  expect([table.state(0), table.state(1)]).toEqual([rowStates.failed, succeeded]);
});

test('two successes for one id are heard of once', async () => {
  const { heard } = await load(textOf([success({ id: 'a' }), success({ id: 'a' })]), ['a']);
  expect(heard).toEqual([[0, null]]);
});

test('a result of a rejected line leaves it rejected', async () => {
  const { table, chosen } = await load(textOf([failed({ id: 'a' }, 'input')]), ['a'], { 0: rejected });
  expect(table.state(0)).toBe(rejected);
  expect(chosen[0]).not.toBeNull();
});

test('results of ids that the input does not have are told with their places', async () => {
  const text = textOf([success({ id: 'gone' }), success({ id: 'a' })]);
  const { unknown } = await load(text, ['a']);
  expect(unknown.map(({ offset, length }) => text.slice(offset, offset + length))).toEqual([text.split('\n')[0]]);
});

test('damaged lines in the middle are kept aside byte for byte, and the others are found', async () => {
  const broken = ['{"custom_id":"b","resp', '\0\0\0\0', 'caf\u00e9'];
  const text =
    textOf([success({ id: 'a' })]) + broken.map((damaged) => `${damaged}\n`).join('') + textOf([success({ id: 'c' })]);
  const { damagedLines, chosen, torn } = await load(text, ['a', 'b', 'c']);
  expect(damagedLines).toBe(3);
  expect(chosen.map((found) => found !== null)).toEqual([true, false, true]);
  expect(Buffer.from(torn, 'latin1').toString()).toBe(broken.map((damaged) => `${damaged}\n`).join(''));
});

test('what an editor does to a file costs no result: a byte order mark, other line ends, empty lines', async () => {
  const own = textOf([success({ id: 'a' }), success({ id: 'b' })]);
  const { damagedLines, chosen, torn } = await load(`\ufeff${own.replaceAll('\n', '\r\n\r\n')}`, ['a', 'b']);
  expect([damagedLines, torn]).toEqual([0, '']);
  expect(chosen.map((found) => found !== null)).toEqual([true, true]);
});

test('only the given size is read: what a crash tore is no result', async () => {
  const path = join(await scratchFolder(), 'out.jsonl');
  const text = textOf([success({ id: 'a' })]);
  await writeFile(path, text + textOf([success({ id: 'b' })]));
  const table = tableOf(['a', 'b']);
  await loadResults({ handle: await openForTest(path), path, size: text.length }, table, () => {});
  expect([table.state(0), table.state(1)]).toEqual([succeeded, open]);
});

test('a line longer than an input may have is a result like any other', async () => {
  const long = success({ id: 'a', text: 'x'.repeat(70 * 1024 * 1024) });
  const text = textOf([long, success({ id: 'b' })]);
  const { damagedLines, chosen, torn } = await load(text, ['a', 'b']);
  expect([damagedLines, torn]).toEqual([0, '']);
  expect(chosen[0] === line(long)).toBe(true);
});

test('a line that is too long to be a result is kept aside whole', { timeout: 60_000 }, async () => {
  const path = join(await scratchFolder(), 'out.jsonl');
  const length = maxResultBytes + 10;
  await writeFile(path, textOf([success({ id: 'a' })]));
  const handle = await openForTest(path, 'r+');
  const { size: start } = await handle.stat();
  // A hole, which takes no room.
  await handle.write('end\n', start + length - 3);
  const table = tableOf(['a']);
  const { damagedLines } = await loadResults({ handle, path, size: start + length + 1 }, table, () => undefined);
  expect([damagedLines, table.resultOffset(0)]).toEqual([1, 0]);
  const torn = await openForTest(tornPathOf(path));
  expect((await torn.stat()).size).toBe(length + 1);
  const end = await torn.read(Buffer.alloc(5), 0, 5, length - 4);
  expect(end.buffer.toString()).toBe('\0end\n');
});
