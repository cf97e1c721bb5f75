import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ReadLine, type RejectedLine, isRejected } from '../../src/core/request.ts';
import { isWanted } from '../../src/data/row-table.ts';
import { type Shard, shardOf } from '../../src/data/shard.ts';
import { keepRandomRows, planGroups } from '../../src/input/plan-rows.ts';
import { scanText, summarise } from './scan-text.ts';

const count = 3;
const shards: Shard[] = [1, 2, 3].map((index) => ({ index, count }));

/** The rows of a text that each shard takes, as they are read again. */
async function rowsByShard(text: string, limit: number | null = null): Promise<ReadLine[][]> {
  return Promise.all(
    shards.map(async (shard) => {
      const { scan, rows } = await scanText(text, { shard, limit });
      return rows.filter((_, row) => isWanted(scan.table.state(row)));
    }),
  );
}

const lineOf = (one: ReadLine, two: ReadLine): number => one.line - two.line;

test('every row is in exactly one shard: requests, bad lines, repeated ids', async () => {
  const text =
    '{"id":"a","prompt":"x"}\nbad\n{"id":"a","prompt":"y"}\n{"id":"line-2","prompt":"z"}\n{"id":7}\n{"prompt":"q"}\n';
  const whole = await scanText(text);
  const parts = await rowsByShard(text);
  expect(summarise(parts.flat().toSorted(lineOf))).toEqual(summarise(whole.rows));
  for (const [at, part] of parts.entries()) expect(part.every(({ id }) => shardOf(id, count) === at + 1)).toBe(true);
});

test('whatever the lines are, shards together are the whole', async () => {
  const id = fc.constantFrom('a', 'b', 'line-1', 'line-2', 'line-3', 'line-2-rejected', 7, null, {}, '');
  const anyLine = fc.oneof(
    fc.record({ id, prompt: fc.constantFrom('x', '', 3) }).map((row) => JSON.stringify(row)),
    fc.constantFrom('bad', '', '{"prompt":"no id"}', '{}'),
  );
  const limit = fc.option(fc.integer({ min: 1, max: 12 }));
  const run = fc.asyncProperty(fc.array(anyLine, { maxLength: 12 }), limit, async (lines, most) => {
    const whole = await scanText(lines.join('\n'), { limit: most });
    const parts = await rowsByShard(lines.join('\n'), most);
    expect(parts.flat().toSorted(lineOf)).toEqual(whole.rows);
  });
  await fc.assert(run, { numRuns: 200 });
});

test('counts, groups, models and plans are of the shard alone', async () => {
  const rows = Array.from({ length: 300 }, (_, row) => ({ id: `r${row}`, prompt: 'x', system: `s${row % 2}` }));
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  const scans = await Promise.all(shards.map(async (shard) => (await scanText(text, { shard })).scan));
  expect(scans.reduce((sum, { counts }) => sum + counts.requests, 0)).toBe(300);
  for (const { counts, elsewhere, groups, table, ...scan } of scans) {
    expect([counts.lines, counts.requests + elsewhere.requests, table.size]).toEqual([300, 300, 300]);
    expect(groups.reduce((sum, { requests }) => sum + requests, 0)).toBe(counts.requests);
    const planned = planGroups({ table, groups, models: scan.models });
    expect(planned.map((group) => group.rows.length)).toEqual([counts.requests]);
  }
});

test('listeners hear of the requests of the shard, and of all bad lines whose they are', async () => {
  const text = `${Array.from({ length: 12 }, (_, row) => `{"id":"r${row + 1}","prompt":"x"}`).join('\n')}\nbad\nbad\n`;
  const heard: string[] = [];
  const bad: [RejectedLine, boolean][] = [];
  await scanText(text, {
    shard: { index: 3, count },
    onRequest: (request) => heard.push(request.id),
    onRejected: (...of) => bad.push(of),
  });
  expect(heard).toEqual(['r2', 'r3', 'r4']);
  expect(bad.map(([{ id }, isOurs]) => [id, isOurs])).toEqual([
    ['line-13', shardOf('line-13', count) === 3],
    ['line-14', shardOf('line-14', count) === 3],
  ]);
});

test('a sample is taken from the whole, so that the shards of it are the same requests as without', async () => {
  const text = Array.from({ length: 100 }, (_, row) => `{"id":"r${row}","prompt":"x"}\n`).join('');
  const sampled = async (shard: Shard | null): Promise<string[]> => {
    const { scan, rows } = await scanText(text, { shard });
    keepRandomRows(scan.table, 20, 1);
    return rows.flatMap((row, at) => (isWanted(scan.table.state(at)) && !isRejected(row) ? [row.id] : []));
  };
  const parts = await Promise.all(shards.map(sampled));
  expect(parts.flat().toSorted()).toEqual((await sampled(null)).toSorted());
  expect(parts.every((part) => part.length < 20)).toBe(true);
});

test('the requests of an input that grows stay in their shards', async () => {
  const text = Array.from({ length: 50 }, (_, row) => `{"id":"r${row}","prompt":"x"}\n`).join('');
  const before = await rowsByShard(text);
  const after = await rowsByShard(`${text}{"id":"new","prompt":"x"}\n{"id":"r3","prompt":"again"}\n`);
  for (const [at, part] of before.entries()) expect(after[at]!.slice(0, part.length)).toEqual(part);
});
