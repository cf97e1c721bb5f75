import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { BenchReport } from '../../../src/bench/report/bench-report.ts';
import { agreementPart } from '../../../src/bench/report/agreement-part.ts';
import { renderBenchHtml, renderBenchMarkdown } from '../../../src/bench/report/write-report.ts';
import { collidingTexts, hasBrowser, overflow, seenCharts, visit } from '../../helpers/browse.ts';
import { scratchFolder } from '../../helpers/scratch-folder.ts';
import { expectWellFormed } from '../../report/well-formed.ts';
import { sampleBatches, sampleBench, sampleMatrix } from '../sample-bench.ts';

const engineCharts = [
  'Rate against workers',
  'Latency against workers, from sending to the whole answer',
  'Rate against workers',
  'Latency against workers, from sending to the whole answer',
  ...['ollama', 'vllm'].flatMap((engine) => [
    `${engine}, baseline, 1 worker`,
    `${engine}, 1 worker`,
    ...[2, 4, 8].map((workers) => `${engine}, ${workers} workers`),
  ]),
  '50,000 requests',
  '170,000 requests',
  'Same fields, or same texts if answers are not JSON',
  'VRAM over time',
  'Memory of the engine over time',
];

const batchCharts = [
  '4 workers',
  '50,000 requests',
  '170,000 requests',
  'Same fields, or same texts if answers are not JSON',
  'Rate of each batch',
  'VRAM of each batch',
  'VRAM over time',
  'Memory of the engine over time',
];

const matrixCharts = [
  ...['ollama', 'vllm', 'llama-cpp'].flatMap((engine) => [
    'Rate against workers',
    'Latency against workers, from sending to the whole answer, 10,000 requests',
    ...['1 worker', '8 workers', '64 workers'].flatMap((workers) =>
      ['1,000', '5,000', '10,000'].map((size) => `${engine}, ${workers}, ${size} requests`),
    ),
  ]),
  '50,000 requests',
  '170,000 requests',
  'Same fields, or same texts if answers are not JSON',
  'VRAM over time',
  'Memory of the engine over time',
];

const reports: [name: string, report: () => BenchReport, charts: string[]][] = [
  ['two engines', sampleBench, engineCharts],
  ['batches', sampleBatches, batchCharts],
  ['engines, sizes and workers', sampleMatrix, matrixCharts],
];

describe.each(reports)('the page of %s', (_, report, charts) => {
  test('needs nothing else, is well-formed, and keeps text text', async () => {
    const page = await renderBenchHtml({ ...report(), name: '</title><script>alert(1)</script>' });
    expect(page).not.toMatch(/<script|<img|src=["']|href=|url\(|@import|NaN|undefined/);
    expectWellFormed(page);
  });

  describe.skipIf(!hasBrowser)('in a browser', () => {
    test.each([
      { width: 1280, colorScheme: 'dark' as const },
      { width: 390, colorScheme: 'light' as const },
    ])('shows its charts, nothing is amiss, and nothing sticks out at %o', async (screen) => {
      const path = join(await scratchFolder(), 'report.html');
      await writeFile(path, await renderBenchHtml(report()));
      const { page, complaints, requests } = await visit(path, screen);
      expect({ complaints, requests }).toEqual({ complaints: [], requests: [] });
      expect((await seenCharts(page)).toSorted()).toEqual(charts.toSorted());
      expect(await overflow(page)).toBe(0);
      expect(await collidingTexts(page)).toEqual([]);
    });
  });
});

test('the page names the recommended number, what changes answers, what the budget left out, and the formulas of the scores', async () => {
  const page = await renderBenchHtml(sampleBench());
  for (const text of [
    'recommended: 4',
    'CHANGES ANSWERS (3.1%)',
    'Settings that change the answers: #5 (3.1%), #10 (3.1%).',
    'The budget left out 1: ollama gemma3:4b, 16 workers, 10,000 requests.',
    'performance = 100 × its rate / the best rate, or 0 if the rate is not steady.',
    '&lt;img src=x onerror=alert(1)&gt;',
  ])
    expect(page).toContain(text);
});

test('a bench of nothing but a failed trial says so', async () => {
  const report = sampleBench();
  const [trial] = report.analysis.trials;
  const record = {
    ...trial!.record,
    state: 'failed' as const,
    error: 'no model',
    windows: [],
    succeeded: 0,
    output: null,
  };
  const analysis = { ...report.analysis, trials: [{ ...trial!, record, verdicts: [] }], curves: [], agreements: [] };
  const page = await renderBenchHtml({ ...report, analysis });
  expect(page).toContain('failed: no model');
  expect(page).not.toContain('NaN');
});

test('Markdown has a table for each part, and no markup from data', () => {
  const text = renderBenchMarkdown(sampleBench());
  expect(text).toContain('# llmbatch bench: 2026-11-22-gemma\n\n## In short');
  expect(text).toMatch(/\| \\#5 ollama, 8 workers \|/);
  expect(text).toContain(String.raw`\<img src=x onerror=alert(1)\>`);
  expect(text).not.toMatch(/NaN|undefined/);
});

test('repeats of a setting are one row of the agreement', () => {
  const report = sampleBench();
  const { trials, agreements } = report.analysis;
  const [, second] = trials;
  const number = 77;
  const again = { ...second!, record: { ...second!.record, spec: { ...second!.record.spec, number, repeat: 2 } } };
  const pair = agreements.find(({ left, right }) => left === 'reference' && right === second!.record.spec.number);
  const analysis = {
    ...report.analysis,
    trials: [...trials, again],
    agreements: [...agreements, { ...pair!, right: number, sameFields: pair!.sameFields - 30, meanDifference: 0.5 }],
  };
  const { rows = [] } = agreementPart({ ...report, analysis })!;
  const own = rows.filter(([name = '', left]) => name.startsWith('#2 ') && left === 'expected by the input');
  expect(own.map((row) => row.slice(2, 6))).toEqual([['2,000', '100.0%', '95.8%', '0.25']]);
  expect(rows.some(([name = '']) => name.startsWith('#77'))).toBe(false);
});
