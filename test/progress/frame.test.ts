import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { drawFrame } from '../../src/progress/frame.ts';
import { changeSnapshot } from '../helpers/change-snapshot.ts';
import { midway } from './capture.ts';

const frame = (columns: number, snapshot = midway, waitedMs = 0): string =>
  stripVTControlCharacters(drawFrame(snapshot, { columns, waitedMs }));

test('a wide terminal shows everything', () => {
  expect(frame(160)).toBe(
    '████████████░░░░░░░░  63% 126/200  2 failed 46.9 req/s ETA 4m 05s (3m 50s to 4m 20s)  2,734 tok/s    812 prompt tok/s elapsed 1m 02s  VRAM 18.2/24.0G',
  );
});

test('fields are dropped in the order of their importance, errors last', () => {
  expect([120, 100, 90, 80, 70, 50, 40, 30, 20, 9].map((columns) => frame(columns))).toMatchInlineSnapshot(`
    [
      "█████████░░░░░░  63% 126/200  2 failed 46.9 req/s ETA 4m 05s (3m 50s to 4m 20s)  2,734 tok/s elapsed 1m 02s",
      "███████░░░░░  63% 126/200  2 failed 46.9 req/s ETA 4m 05s (3m 50s to 4m 20s)  2,734 tok/s",
      "██████░░░░░  63% 126/200  2 failed 46.9 req/s ETA 4m 05s (3m 50s to 4m 20s)  2,734 tok/s",
      "██████░░░░  63% 126/200  2 failed 46.9 req/s ETA 3-5 min    2,734 tok/s",
      "█████░░░  63% 126/200  2 failed 46.9 req/s ETA 3-5 min    2,734 tok/s",
      " 63% 126/200  2 failed 46.9 req/s ETA 3-5 min",
      " 63% 126/200  2 failed ETA 3-5 min",
      "126/200  2 failed 46.9 req/s",
      "126/200  2 failed",
      "126/200",
    ]
  `);
});

test('no frame is wider than the terminal', () => {
  for (let columns = 10; columns <= 200; columns++) expect(frame(columns).length).toBeLessThan(columns);
});

test('an unknown total has counts and no bar', () => {
  expect(frame(80, changeSnapshot(midway, { progress: { total: null }, times: { eta: null } }))).toBe(
    '126 done  2 failed 46.9 req/s  2,734 tok/s elapsed 1m 02s  VRAM 18.2/24.0G',
  );
});

test('a finished run has a full bar and no ETA', () => {
  const done = changeSnapshot(midway, {
    progress: { done: 200, failed: 0 },
    times: { eta: { seconds: 0, low: 0, high: 0 } },
    machine: { gpus: null },
  });
  // Its rates are those of the whole run, as in the summary below it.
  expect(frame(80, done)).toBe('██████████ 100% 200/200 0 failed 40.0 req/s 2,600 tok/s elapsed 1m 02s');
});

const withoutGpus = changeSnapshot(midway, { machine: { gpus: null } });

test('workers that memory took out of work are told', () => {
  const told = (current: number) =>
    frame(150, changeSnapshot(withoutGpus, { progress: { workers: { current, atStart: 8, max: 8 } } }));
  expect(told(8)).not.toContain('workers');
  expect(told(2)).toMatch(/ elapsed .* 2 of 8 workers$/);
  expect(told(0)).toMatch(/ req\/s paused: VRAM +2,734 tok/);
});

test('a pause and a stop are told in place of the ETA', () => {
  const told = (change: { isPaused: true } | { isStopping: true; inFlight: number }) =>
    frame(80, changeSnapshot(withoutGpus, { progress: change }));
  expect(told({ isPaused: true })).toBe('██████░░░░  63% 126/200  2 failed            paused');
  expect(told({ isStopping: true, inFlight: 4 })).toBe(
    '██████░░░░  63% 126/200  2 failed 46.9 req/s stopping (4 in flight)',
  );
});

test('the last line of a run that was stopped has the rates of all of it, and no ETA', () => {
  const drawn = drawFrame(withoutGpus, { columns: 80, waitedMs: 0, isFinal: true });
  expect(stripVTControlCharacters(drawn)).toBe(
    '██████░░░░  63% 126/200 2 failed 40.0 req/s 2,600 tok/s elapsed 1m 02s',
  );
});

test('a field keeps its place while numbers change', () => {
  const placesOf = (columns: number, done: number, rate: number, seconds: number) => {
    const line = frame(
      columns,
      changeSnapshot(withoutGpus, {
        progress: { total: 170_000, done, failed: done % 7 },
        rates: {
          requests: { recent: rate, overall: rate },
          generation: { recent: rate * 91, overall: 1, basis: 'live' },
        },
        times: { elapsedSeconds: seconds, eta: { seconds: seconds * 3, low: seconds * 2.5, high: seconds * 4 } },
      }),
    );
    return ['/', ' failed', ' req/s', 'ETA', ' tok/s', 'elapsed'].map((text) => line.indexOf(text));
  };
  for (const columns of [60, 80, 120, 160]) {
    const places = placesOf(columns, 9, 0.4, 9);
    expect(placesOf(columns, 1234, 46.9, 62)).toEqual(places);
    expect(placesOf(columns, 99_999, 10.5, 1800)).toEqual(places);
  }
});

test('on a narrow terminal the ETA is its range, in as few figures as tell it', () => {
  const eta = (low: number, high: number) =>
    frame(60, changeSnapshot(withoutGpus, { times: { eta: { seconds: high, low, high } } })).split('req/s ')[1];
  expect([eta(3, 3), eta(15.2, 21.1), eta(50, 110), eta(230, 260), eta(3600, 7300), eta(50_000, 90_000)]).toEqual([
    'ETA 3 s',
    'ETA 15-22 s',
    'ETA up to 2 min',
    'ETA 3-5 min',
    'ETA 1-3 h',
    'ETA 13-25 h',
  ]);
});

test('the workers are told where their number is found in the run', () => {
  const told = (current: number) =>
    frame(150, changeSnapshot(withoutGpus, { progress: { workers: { current, atStart: 8, max: 256 } } }));
  expect(told(8)).toMatch(/ elapsed .* 8 in flight$/);
  expect(told(40)).toMatch(/ elapsed .* 40 in flight$/);
  expect(told(0)).toMatch(/ req\/s paused: VRAM +2,734 tok/);
});

test('100 % is shown only when nothing is left', () => {
  expect(frame(80, changeSnapshot(midway, { progress: { total: 100_000, done: 99_999 } }))).toContain(
    ' 99%  99,999/100,000',
  );
});

const none = { recent: null, overall: null, basis: null };
const start = changeSnapshot(withoutGpus, {
  progress: { done: 0, failed: 0, inFlight: 4 },
  rates: { requests: none, generation: none, prompt: { ...none, includesCached: false } },
  times: { eta: null },
});

test('what is not measured yet is left out', () => {
  expect(frame(80, start)).toBe('░░░░░░░░░░   0%   0/200');
});

test('a wait for the first answer is told after some seconds', () => {
  expect(frame(80, start, 2999)).not.toContain('in flight');
  const oldestInFlight = { ageSeconds: 12.3, tokens: null };
  const sent = changeSnapshot(start, { progress: { oldestInFlight }, times: { elapsedSeconds: 12.3 } });
  expect(frame(80, sent, 75_000)).toBe('░░░░░░░░░░   0%   0/200 4 in flight, 12 s');
  const first = changeSnapshot(midway, { progress: { done: 0 }, times: { elapsedSeconds: 13.1 } });
  expect(frame(160, first, 75_800)).toContain('elapsed 13 s');
  const loading = changeSnapshot(start, { progress: { total: null, inFlight: 0 } });
  expect(frame(80, loading, 75_000)).toBe('starting, 1m 15s');
  const told = changeSnapshot(loading, { progress: { step: 'loading gemma3 (241 MiB)' } });
  expect(frame(80, told, 75_000)).toBe('loading gemma3 (241 MiB), 1m 15s');
  expect(frame(80, midway, 75_000)).not.toContain('in flight');
});

test('a terminal without other letters gets ASCII', () => {
  const drawn = drawFrame(midway, { columns: 60, waitedMs: 0, glyphs: { filled: '#', empty: '-' } });
  expect(stripVTControlCharacters(drawn)).toMatch(/^#+-+ {2}63% 126\/200 /);
});

const slow = changeSnapshot(withoutGpus, {
  progress: { total: 200, done: 25, failed: 0, inFlight: 3, oldestInFlight: { ageSeconds: 80.7, tokens: 812 } },
  rates: { requests: { recent: 0.42, overall: 0.4 }, generation: { recent: 41.27, overall: 40, basis: 'live' } },
});

test('where answers are slow, the oldest one in flight is told, in fewer words on a narrow terminal', () => {
  expect([200, 160, 120, 100, 80, 60].map((columns) => frame(columns, slow))).toMatchInlineSnapshot(`
    [
      "███░░░░░░░░░░░░░░░░░░░░░  12%  25/200  0 failed 0.42 req/s ETA 4m 05s (3m 50s to 4m 20s)   41.3 tok/s    812 prompt tok/s elapsed 1m 02s  3 in flight, the oldest for 1m 20s, 812 tokens",
      "██░░░░░░░░░░░░░░░░░░  12%  25/200  0 failed 0.42 req/s ETA 4m 05s (3m 50s to 4m 20s)   41.3 tok/s    812 prompt tok/s elapsed 1m 02s  oldest 1m 20s, 812 tokens",
      "█░░░░░░░░░░░░░░  12%  25/200  0 failed 0.42 req/s ETA 4m 05s (3m 50s to 4m 20s)   41.3 tok/s elapsed 1m 02s",
      "█░░░░░░░░░░░  12%  25/200  0 failed 0.42 req/s ETA 4m 05s (3m 50s to 4m 20s)   41.3 tok/s",
      "█░░░░░░░░░  12%  25/200  0 failed 0.42 req/s ETA 3-5 min     41.3 tok/s",
      "█░░░░░░░  12%  25/200  0 failed 0.42 req/s ETA 3-5 min",
    ]
  `);
});

test('the oldest one in flight is told from ten seconds on, without tokens where the engine tells none', () => {
  const told = (inFlight: number, ageSeconds: number, tokens: number | null) =>
    frame(180, changeSnapshot(slow, { progress: { inFlight, oldestInFlight: { ageSeconds, tokens } } }));
  expect(told(3, 9.9, 100)).not.toContain('in flight');
  expect(told(3, 10, null)).toMatch(/ 3 in flight, the oldest for 10 s$/);
  expect(told(1, 10, 1)).toMatch(/ 1 in flight for 10 s, 1 token$/);
  expect(told(1, 10, 0)).toMatch(/ 1 in flight for 10 s$/);
});

test('a rate by ended answers has a tilde, and one of the whole time stands in for none of the last minute', () => {
  const generation = { recent: null, overall: 10.24, basis: 'ended' } as const;
  expect(frame(160, changeSnapshot(midway, { rates: { generation } }))).toMatch(/ ~10\.2 tok\/s +812 prompt/);
});

test('tokens are told before the first answer is there', () => {
  const rates = { generation: { recent: 12, overall: 12, basis: 'live' } } as const;
  const progress = { inFlight: 1, oldestInFlight: { ageSeconds: 30, tokens: 360 } };
  expect(frame(120, changeSnapshot(start, { progress, rates }), 30_000)).toContain(
    '0/200   12.0 tok/s elapsed 1m 02s  1 in flight for 30 s, 360 tokens',
  );
});
