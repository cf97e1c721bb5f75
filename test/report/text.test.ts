import { expect, test } from 'vitest';
import { foldReport } from '../../src/report/report-data.ts';
import { alignTable, renderText, rateScale } from '../../src/report/text.ts';
import { resultLine, run, sampleReport, sampleSnapshot } from './sample-run.ts';

test('the whole report, as a terminal shows it', () => {
  const times = { startedAt: '2026-11-22T06:00:00', endedAt: '2026-11-22T06:01:40' };
  expect(renderText(sampleReport({ snapshot: sampleSnapshot(), ...times }))).toMatchInlineSnapshot(`
    "Finished: 95 of 100 requests succeeded, 5 failed (5.0%)
      1.01 requests per second in 1m 39s, with ollama, gemma3:4b. Half of the
      successful requests took at most 150 ms, 95 of 100 at most 194 ms.

    Failures
      timeout 3    no (candidate-7, candidate-27, candidate-47)
      truncated 2  no (candidate-67, candidate-87)

    Run
      output       candidates.results.jsonl
      input        candidates.jsonl
      state        finished
      backend      ollama 0.34.0
      model        gemma3:4b
      mode         independent
      started      2026-11-22 06:00:00
      ended        2026-11-22 06:01:40
      time worked  1m 39s

    Requests
      done        100 of 100 (100.0%)
      succeeded   95
      failed      5 (5.0%)
      sent again  1
      rate        1.01 req/s
      generation  9.58 tok/s
      prompt      38.3 tok/s computed

    Tokens
      prompt      at least 9,500
      completion  at least 950
      failed      5 attempts not counted
      cached      5,700 (hit rate 60.0%)
      saved       5,700 prompt tokens not computed again

    Times (of the requests that succeeded)
                     mean     p50     p95     p99     max
      latency      150 ms  150 ms  194 ms  198 ms  199 ms
      first token   20 ms   20 ms   20 ms   20 ms   20 ms
      queue           n/a     n/a     n/a     n/a     n/a

    Engine
      workers          8
      model loaded in  3.2 s
      GPU memory       peak 14.0 GiB of 16.0 GiB
      GPUs             97%, 61 °C, n/a
      engine memory    peak 1.5 GiB
      engine CPU       101% of one core
      context peak     110 of 4,096 tokens (2.7%)
      history trims    0
      engine restarts  0

    Errors
      kind         group  requests  share
      timeout    timeout         3   3.0%
      truncated    model         2   2.0%

    Attempts
      attempts  requests
      1               90
      2               10

    Slowest
      id                            line  latency  prompt  completion    outcome
      <img src=x onerror=alert(1)…   100   199 ms     100          10  succeeded
      candidate-98                    99   198 ms     100          10  succeeded
      candidate-97                    98   197 ms     100          10  succeeded
      candidate-96                    97   196 ms     100          10  succeeded
      candidate-95                    96   195 ms     100          10  succeeded
      candidate-94                    95   194 ms     100          10  succeeded
      candidate-93                    94   193 ms     100          10  succeeded
      candidate-92                    93   192 ms     100          10  succeeded
      candidate-91                    92   191 ms     100          10  succeeded
      candidate-90                    91   190 ms     100          10  succeeded

    Rate over time
      ██████████████████████████████████████████████████
      2.0 s per column
    "
  `);
});

test('it fits 80 columns, and no control character of the data reaches the terminal', () => {
  const hour = foldReport();
  for (let second = 0; second < 3600; second += 7) hour.add(resultLine(second, { id: 'x'.repeat(200) }));
  for (const data of [sampleReport(), hour.finish(run)]) {
    const lines = renderText(data).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(lines.join('')).not.toMatch(/\p{Cc}/u);
  }
});

test('on a narrow terminal all but the tables is broken at words', () => {
  const wide = renderText(sampleReport({ snapshot: sampleSnapshot() }));
  const narrow = renderText(sampleReport({ snapshot: sampleSnapshot() }), 40);
  const isTable = (line: string): boolean => wide.split('\n').includes(line);
  expect(narrow.split('\n').filter((line) => line.length > 40 && !isTable(line))).toEqual([]);
  expect(narrow.split(/\s+/)).toEqual(wide.split(/\s+/));
});

test('a table is aligned by columns of a terminal, of which a Chinese character takes two and a combining mark none', () => {
  const table = [
    ['id', 'model'],
    ['候选人-1', 'qwen'],
    ['e\u0301te\u0301', '模型'],
    ['x'.repeat(12), 'a'],
    ['候'.repeat(12), 'b'],
  ];
  expect(alignTable(table, 12)).toEqual([
    'id            model',
    '候选人-1       qwen',
    'e\u0301te\u0301            模型',
    'xxxxxxxxxxxx      a',
    '候候候候候…       b',
  ]);
});

test('no peak is told that is below the rate of a run that was shorter than a column', () => {
  const rates = { startedAt: '2026-01-01T00:00:00.000Z', bucketSeconds: 1, rates: [4] };
  expect([rateScale(rates, 46.4), rateScale(rates, 2)]).toEqual([
    '1.0 s per column',
    'peak 4.00 req/s, 1.0 s per column',
  ]);
});
