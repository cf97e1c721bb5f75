import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { renderHtml } from '../../src/report/html.ts';
import { hasBrowser, overflow, seenCharts, visit } from '../helpers/browse.ts';
import { scratchFolder } from '../helpers/scratch-folder.ts';
import { expectWellFormed } from './well-formed.ts';
import { sampleReport, sampleSnapshot } from './sample-run.ts';

const charts = ['Throughput over time', 'Latency of the requests that succeeded', 'Errors by kind', 'GPU memory'];

const titlesOf = (page: string): string[] => [...page.matchAll(/<h2>(.*?)<\/h2>/g)].map(([, title = '']) => title);

test('the page needs nothing else: no script, no other file', async () => {
  const page = await renderHtml(sampleReport());
  expect(page).toMatch(/^<!doctype html>/);
  expect(page).not.toMatch(/<script|src=["']|href=|url\(|@import/);
});

test('text from the data stays text', async () => {
  const page = await renderHtml(sampleReport({ outputPath: '</title><script>alert(1)</script>', model: `a"b'c&d` }));
  expect(page).not.toMatch(/<script|<img/);
  expect(page).toContain('&lt;img src=x onerror=alert(1)&gt;|&quot;\\x1b[31m');
  expect(page).toContain('a&quot;b&#39;c&amp;d');
});

test('the name of a file breaks at its dots and slashes, and not amid a word', async () => {
  const page = await renderHtml(sampleReport({ outputPath: 'runs/a.results.jsonl' }));
  expect(page).toContain('<h1>llmbatch: runs/<wbr>a<wbr>.results<wbr>.jsonl</h1>');
});

test('every tag that is opened is closed', async () => {
  expectWellFormed(await renderHtml(sampleReport({ snapshot: sampleSnapshot() })));
});

test('what came of the run stands first, then what failed, some answers and the charts', async () => {
  const answers = [{ id: 'a', line: 1, text: 'x'.repeat(400), members: null }];
  const page = await renderHtml({ ...sampleReport(), answers });
  expect(titlesOf(page).slice(0, 4)).toEqual([
    'Finished: 95 of 100 requests succeeded, 5 failed (5.0%)',
    'Failures',
    'The first answers',
    'Charts',
  ]);
  expect(page).toContain(`${'x'.repeat(299)}…<`);
  const stopped = await renderHtml(sampleReport({ state: 'stopped', total: 120 }));
  expect(titlesOf(stopped)[0]).toBe('Not finished: 95 of 120 requests succeeded, 5 failed (5.0%), 20 left');
});

test('tokens that are the same in all requests are a sentence, others a chart', async () => {
  const report = sampleReport();
  const same = await renderHtml(report);
  expect(same).toContain('All answers have 10 tokens.');
  expect(same).not.toContain('Completion tokens</figcaption>');
  const completionTokens = [1, 2].map((from) => ({ from, to: from + 1, count: 3 }));
  const other = await renderHtml({ ...report, histograms: { ...report.histograms, completionTokens } });
  expect(other).not.toContain('All answers have');
  expect(other).toContain('Completion tokens</figcaption>');
});

test('a run that tells little has the charts that it can have', async () => {
  const { latencyMs, histograms, ...rest } = sampleReport();
  const none = { latencyMs: [], promptTokens: [], completionTokens: [] };
  const page = await renderHtml({
    ...rest,
    latencyMs: null,
    histograms: none,
    rateOverTime: null,
    errors: { byKind: {}, byGroup: {}, failures: [] },
  });
  expect([latencyMs, histograms]).not.toContain(null);
  expect(page).not.toContain('<figure');
});

describe.skipIf(!hasBrowser)('in a browser', () => {
  test.each([
    { width: 1280, colorScheme: 'light' as const },
    { width: 390, colorScheme: 'dark' as const },
  ])('the charts are seen, nothing is amiss, and nothing sticks out at %o', async (screen) => {
    const path = join(await scratchFolder(), 'report.html');
    await writeFile(path, await renderHtml(sampleReport({ snapshot: sampleSnapshot() })));
    const { page, complaints, requests } = await visit(path, screen);
    expect({ complaints, requests }).toEqual({ complaints: [], requests: [] });
    expect(await seenCharts(page)).toEqual(charts);
    expect(await overflow(page)).toBe(0);
  });
});
