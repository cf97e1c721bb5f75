import { expect, test } from 'vitest';
import type { ResultLine } from '../../src/core/result-line.ts';
import { renderHtml } from '../../src/report/html.ts';
import { renderJson } from '../../src/report/json.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { foldReport } from '../../src/report/report-data.ts';
import { renderSummary } from '../../src/report/summary.ts';
import { renderText } from '../../src/report/text.ts';
import { changeSnapshot } from '../helpers/change-snapshot.ts';
import { onServers } from '../progress/capture.ts';
import { resultLine, run, sampleReport } from './sample-run.ts';

const ofServer = (server: string | undefined, line: ResultLine): ResultLine => ({
  ...line,
  llmbatch: { ...line.llmbatch, ...(server !== undefined && { server }) },
});

const hostile = '<b>|\u001B[31m';

/** Sixty results of two servers, one of which has a name that is an attack, and two from before there were several. */
function reportOf(facts: Partial<typeof run> = {}) {
  const fold = foldReport();
  for (let index = 0; index < 60; index++) {
    const server = index < 2 ? undefined : index % 3 === 0 ? hostile : 'desktop:8000';
    fold.add(ofServer(server, resultLine(index, index % 20 === 7 ? { error: 'timeout', attempts: 4 } : {})));
  }
  fold.add(ofServer('desktop:8000', resultLine(60, { error: 'input', attempts: 0 })));
  return fold.finish({ ...run, elapsedSeconds: 100, ...facts });
}

const sectionOf = (text: string): string => text.slice(text.indexOf('Servers')).split('\n\n')[0]!;

test('the results of all sessions count for the server that they name, and the last session tells what they do not', () => {
  const { servers } = reportOf({ snapshot: onServers });
  expect(servers).toMatchObject([
    {
      name: 'desktop:8000',
      answered: 37,
      failed: 2,
      requestRate: 0.39,
      generationRate: 3.7,
      promptTokens: 3700,
      lastSession: { failedAttempts: 0, awaySeconds: 0, idleSeconds: 0.4 },
    },
    {
      name: 'laptop:11434',
      answered: 0,
      requestRate: 0,
      latencyMs: null,
      lastSession: { failedAttempts: 3, outages: 1 },
    },
    { name: 'gpu-7.example.org:8000', answered: 0 },
    { name: hostile, answered: 18, failed: 1, lastSession: null },
    { name: null, answered: 2, failed: 0, share: 2 / 57, lastSession: null },
  ]);
});

test('they are a table in each form, in which a name does no harm', async () => {
  const data = reportOf({ snapshot: onServers });
  const text = renderText(data);
  expect(sectionOf(text)).toMatchInlineSnapshot(`
    "Servers (failed: number of attempts)
                              answered  failed  req/s  tok/s     p50    away    idle
      desktop:8000                  37       0   0.39   3.70  131 ms     0 s  400 ms
      laptop:11434                   0       3   0.00   0.00     n/a  10.4 s  400 ms
      gpu-7.example.org:8000         0       0   0.00   0.00     n/a     0 s     0 s
      <b>|\\x1b[31m                  18     n/a   0.19   1.80  130 ms     n/a     n/a
      (not named)                    2     n/a   0.02   0.20  100 ms     n/a     n/a"
  `);
  expect(
    Math.max(
      ...sectionOf(text)
        .split('\n')
        .map((line) => line.length),
    ),
  ).toBeLessThanOrEqual(80);
  const [markdown, html] = [renderMarkdown(data), await renderHtml(data)];
  expect(markdown).toContain('| desktop:8000 | 37 | 0 |');
  expect(markdown).toContain(String.raw`| \<b\>\|\\x1b\[31m | 18 |`);
  expect(html).toContain('<th scope="row">&lt;b&gt;|\\x1b[31m</th><td>18</td>');
  expect(JSON.parse(renderJson(data))).toMatchObject({
    servers: [{ request_rate: 0.39, last_session: { failed_attempts: 0, idle_seconds: 0.4 } }, {}, {}, {}, {}],
  });
});

test('of a run with several sessions it is said what is of the last one alone', () => {
  expect(renderText(reportOf({ snapshot: onServers, sessions: 2 }))).toContain(
    'Servers (failed attempts, away and idle: only of the last session)\n',
  );
});

test('without a manifest the results alone are told, and a run on one engine has no servers', () => {
  expect(sectionOf(renderText(reportOf()))).toMatch(/desktop:8000 +37 +n\/a +0\.39 +3\.70 +\d+ ms +n\/a +n\/a\n/);
  expect(sampleReport().servers).toBeNull();
  expect(renderText(sampleReport())).not.toContain('Servers');
});

test('more names than a run can have servers do not fill the memory', () => {
  const fold = foldReport();
  for (let index = 0; index < 1000; index++) fold.add(ofServer(`host-${index}`, resultLine(index)));
  const { servers } = fold.finish(run);
  expect(servers).toHaveLength(201);
  expect(servers!.at(-1)).toMatchObject({ name: null, answered: 800 });
});

const outputPath = 'a.jsonl';
const linesOf = (summary: string): string => {
  const lines = summary.split('\n');
  const first = lines.findIndex((line) => line.includes('answered by'));
  return lines
    .slice(
      first,
      lines.findIndex((line) => line.includes('  output')),
    )
    .join('\n');
};

test('a run in progress and one that has ended have a line for each server', () => {
  expect(linesOf(renderSummary(onServers, { outputPath, isRunning: true }))).toMatchInlineSnapshot(`
    "  answered by  desktop:8000: 93 (75.0%), 8 in flight, 36.9 req/s, 2,734 tok/s
                   laptop:11434: 31 (25.0%), 36.9 req/s, 2,734 tok/s, away for
                     10.4 s (connect ECONNREFUSED), 3 failed attempts
                   gpu-7.example.org:8000: 0, starting for 0 s"
  `);
  expect(linesOf(renderSummary(onServers, { outputPath }))).toMatchInlineSnapshot(`
    "  answered by  desktop:8000: 93 (75.0%), 30.0 req/s, 2,600 tok/s
                   laptop:11434: 31 (25.0%), 30.0 req/s, 2,600 tok/s, away at the
                     end (connect ECONNREFUSED), 3 failed attempts, away 10.4 s
                   gpu-7.example.org:8000: 0, never took part"
  `);
});

test('where earlier sessions answered some it is said that the servers count this one', () => {
  const resumed = changeSnapshot(onServers, { progress: { succeeded: 150 } });
  expect(renderSummary(resumed, { outputPath })).toContain('  these numbers are of this session only\n');
  expect(renderSummary(onServers, { outputPath })).not.toContain('session');
});
