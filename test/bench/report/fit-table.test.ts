import { expect, test } from 'vitest';
import { fitTable } from '../../../src/bench/report/fit-table.ts';
import { renderBenchText } from '../../../src/bench/report/text.ts';
import { sampleBatches, sampleBench, sampleMatrix } from '../sample-bench.ts';

const table = [
  ['setting', 'req/s', 'latency p50', 'remarks'],
  ['2 workers', '6.4', '293 ms', 'not steady (needs 200 requests)'],
  ['8 workers', '26.6', '303 ms', ''],
];

test('a table that fits is one table', () => {
  expect(fitTable(table, 80)).toHaveLength(3);
});

test('columns without room follow below, and no word is broken', () => {
  expect(fitTable(table, 36).join('\n')).toMatchInlineSnapshot(`
    "setting    req/s  latency p50
    2 workers    6.4       293 ms
    8 workers   26.6       303 ms

    setting                  remarks
    2 workers  not steady (needs 200
                           requests)
    8 workers                       "
  `);
});

test.each([
  ['of one engine', sampleBench],
  ['of batches', sampleBatches],
  ['of a matrix', sampleMatrix],
])('a report %s has no line of more than 80 columns', (_name, sample) => {
  const wide = renderBenchText(sample())
    .split('\n')
    .filter((line) => line.length > 80);
  expect(wide).toEqual([]);
});
