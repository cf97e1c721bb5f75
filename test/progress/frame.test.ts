import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { drawFrame } from '../../src/progress/frame.ts';
import { changeSnapshot } from '../helpers/change-snapshot.ts';
import { midway } from './capture.ts';

const frame = (columns: number, snapshot = midway, waitedMs = 0): string =>
  stripVTControlCharacters(drawFrame(snapshot, { columns, waitedMs }));

test('a wide terminal shows everything', () => {
  expect(frame(160)).toBe(
    '███████████████░░░░░░░░░  63% 126/200 46.9 req/s 2,734 tok/s 812 prompt tok/s elapsed 1m 02s ETA 4m 05s (3m 50s to 4m 20s) 2 failed VRAM 18.2/24.0G',
  );
});

test('fields are dropped in the order of their importance, errors last', () => {
  expect([120, 100, 90, 80, 70, 50, 40, 30, 20, 9].map((columns) => frame(columns))).toMatchInlineSnapshot(`
    [
      "████████░░░░░  63% 126/200 46.9 req/s 2,734 tok/s elapsed 1m 02s ETA 4m 05s (3m 50s to 4m 20s) 2 failed VRAM 18.2/24.0G",
      "███████░░░░░  63% 126/200 46.9 req/s 2,734 tok/s elapsed 1m 02s ETA 4m 05s 2 failed VRAM 18.2/24.0G",
      "███████████░░░░░░░  63% 126/200 46.9 req/s 2,734 tok/s elapsed 1m 02s ETA 4m 05s 2 failed",
      "█████░░░  63% 126/200 46.9 req/s 2,734 tok/s elapsed 1m 02s ETA 4m 05s 2 failed",
      "████████░░░░░  63% 126/200 46.9 req/s 2,734 tok/s ETA 4m 05s 2 failed",
      "██████████░░░░░░  63% 126/200 ETA 4m 05s 2 failed",
      "██████████░░░░░░░  63% 126/200 2 failed",
      "█████████░░░░░░  63% 2 failed",
      "██████░░░░ 2 failed",
      "2 failed",
    ]
  `);
});

test('no frame is wider than the terminal', () => {
  for (let columns = 10; columns <= 200; columns++) expect(frame(columns).length).toBeLessThan(columns);
});

test('an unknown total has counts and no bar', () => {
  expect(frame(80, changeSnapshot(midway, { progress: { total: null }, times: { eta: null } }))).toBe(
    '126 done 46.9 req/s 2,734 tok/s elapsed 1m 02s 2 failed VRAM 18.2/24.0G',
  );
});

test('a finished run has a full bar and no ETA', () => {
  const done = changeSnapshot(midway, {
    progress: { done: 200, failed: 0 },
    times: { eta: { seconds: 0, low: 0, high: 0 } },
    machine: { gpus: null },
  });
  // Its rates are those of the whole run, as in the summary below it.
  expect(frame(80, done)).toBe('███████████ 100% 200/200 40.0 req/s 2,600 tok/s 790 prompt tok/s elapsed 1m 02s');
});

const withoutGpus = changeSnapshot(midway, { machine: { gpus: null } });

test('workers that memory took out of work are told', () => {
  const told = (current: number) =>
    frame(120, changeSnapshot(withoutGpus, { progress: { workers: { current, atStart: 8, max: 8 } } }));
  expect(told(8)).not.toContain('workers');
  expect(told(2)).toContain(' tok/s 2 of 8 workers elapsed ');
  expect(told(0)).toContain(' tok/s paused: VRAM elapsed ');
});

test('a pause of the user is told', () => {
  expect(frame(120, changeSnapshot(withoutGpus, { progress: { isPaused: true } }))).toContain(' paused ');
});

test('the workers are told where their number is found in the run', () => {
  const told = (current: number) =>
    frame(120, changeSnapshot(withoutGpus, { progress: { workers: { current, atStart: 8, max: 256 } } }));
  expect(told(8)).toContain(' tok/s 8 in flight elapsed ');
  expect(told(40)).toContain(' tok/s 40 in flight elapsed ');
  expect(told(0)).toContain(' tok/s paused: VRAM elapsed ');
});

test('100 % is shown only when nothing is left', () => {
  expect(frame(80, changeSnapshot(midway, { progress: { total: 100_000, done: 99_999 } }))).toContain(
    ' 99% 99,999/100,000',
  );
});

const none = { recent: null, overall: null, basis: null };
const start = changeSnapshot(withoutGpus, {
  progress: { done: 0, failed: 0, inFlight: 4 },
  rates: { requests: none, generation: none, prompt: { ...none, includesCached: false } },
  times: { eta: null },
});

test('what is not measured yet is left out', () => {
  expect(frame(80, start)).toBe('░░░░░░░░░░░░░░░░░░░░░░░░   0% 0/200');
});

test('a wait for the first answer is told after some seconds', () => {
  expect(frame(80, start, 2999)).not.toContain('in flight');
  const sent = changeSnapshot(start, { times: { elapsedSeconds: 12.3 } });
  expect(frame(80, sent, 75_000)).toBe('░░░░░░░░░░░░░░░░░░░░░░░░   0% 0/200 4 in flight, 12 s');
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
  expect([160, 130, 100, 80, 70, 60, 50].map((columns) => frame(columns, slow))).toMatchInlineSnapshot(`
    [
      "██░░░░░░░░░░░░░░  12% 25/200 0.42 req/s 41.3 tok/s 812 prompt tok/s 3 in flight, the oldest for 1m 20s, 812 tokens elapsed 1m 02s ETA 4m 05s (3m 50s to 4m 20s)",
      "██░░░░░░░░░░░░░░░░░░░░  12% 25/200 0.42 req/s 41.3 tok/s 3 in flight, the oldest for 1m 20s, 812 tokens elapsed 1m 02s ETA 4m 05s",
      "█░░░░░░░░░░░░  12% 25/200 0.42 req/s 41.3 tok/s oldest 1m 20s, 812 tokens elapsed 1m 02s ETA 4m 05s",
      "█░░░░░░░  12% 25/200 0.42 req/s 41.3 tok/s oldest 1m 20s, 812 tokens ETA 4m 05s",
      "█░░░░░░░░  12% 25/200 41.3 tok/s oldest 1m 20s, 812 tokens ETA 4m 05s",
      "███░░░░░░░░░░░░░░░░░░░░░  12% 25/200 41.3 tok/s ETA 4m 05s",
      "█░░░░░░░░░░░░░░  12% 25/200 41.3 tok/s ETA 4m 05s",
    ]
  `);
});

test('the oldest one in flight is told from ten seconds on, without tokens where the engine tells none', () => {
  const told = (inFlight: number, ageSeconds: number, tokens: number | null) =>
    frame(160, changeSnapshot(slow, { progress: { inFlight, oldestInFlight: { ageSeconds, tokens } } }));
  expect(told(3, 9.9, 100)).not.toContain('in flight');
  expect(told(3, 10, null)).toContain(' 3 in flight, the oldest for 10 s elapsed ');
  expect(told(1, 10, 1)).toContain(' 1 in flight for 10 s, 1 token elapsed ');
});

test('a rate by ended answers has a tilde, and one of the whole time stands in for none of the last minute', () => {
  const generation = { recent: null, overall: 10.24, basis: 'ended' } as const;
  expect(frame(160, changeSnapshot(midway, { rates: { generation } }))).toContain(' 46.9 req/s ~10.2 tok/s 812 prompt');
});

test('tokens are told before the first answer is there', () => {
  const rates = { generation: { recent: 12, overall: 12, basis: 'live' } } as const;
  const progress = { inFlight: 1, oldestInFlight: { ageSeconds: 30, tokens: 360 } };
  expect(frame(120, changeSnapshot(start, { progress, rates }), 30_000)).toContain(
    '0/200 12.0 tok/s 1 in flight for 30 s, 360 tokens elapsed 1m 02s',
  );
});
