import { backends } from '../../src/backends/index.ts';
import { expect, test } from 'vitest';
import { analyse } from '../../src/bench/analysis/analyse.ts';
import type { Verdict } from '../../src/bench/analysis/analysis.ts';
import type { TrialRecord } from '../../src/bench/records/records.ts';
import { planRecord } from './plan-record.ts';
import { type Planted, plantedRun } from './planted-run.ts';

/** Real runs in real time, which other work of the machine disturbs: for a quiet one, by hand. */
const isQuiet = process.env['LLMBATCH_TEST_TIMING'] !== undefined;

const verdictsOf = (...records: TrialRecord[]): Verdict[][] =>
  analyse([planRecord(records), ...records], backends).trials.map(({ verdicts }) => verdicts);

/** Room to breathe: no cause is planted. */
const healthy = { latency_ms: 20, latency_jitter: 0.3 };
const cool = 'echo "8000, 16384, 50, 60, 200.00, 2600, 3000, 0x0000000000000000"';
/** From the first to the tenth sample hotter and slower. */
const heating = `h=$((i > 9 ? 9 : i))
echo "8000, 16384, 70, $((60 + 3 * h)), 200.00, $((2700 - 90 * h)), 3000, $([ $i -gt 4 ] && echo 0x20 || echo 0x0)"`;
const outside = { weightsBytes: null, loadedBytes: 8 * 1024 ** 3, vramBytes: 6 * 1024 ** 3 };
const full = 'echo "16200, 16384, 50, 60, 200.00, 2600, 3000, 0x0000000000000000"';

const planted: [string, Planted, RegExp][] = [
  [
    'serialised',
    { requests: 300, workers: 8, options: { ...healthy, slots: 2 } },
    /^The server works on 2 requests at once, but there are 8 workers\. .*--option slots=8\. Without that, --workers 3 is as fast/,
  ],
  [
    'thermal',
    { requests: 500, workers: 4, options: healthy, causes: { slowdown: 2 }, nvidiaSmi: heating },
    /^The GPU slows down: the rate fell by [345]\d\.\d% .* °C and its clock from [\d,]+ to [\d,]+ MHz of 3,000; its driver/,
  ],
  [
    'memory',
    { requests: 300, workers: 4, options: healthy, nvidiaSmi: full },
    /^Memory is short: GPU memory is at 98\.9% \(15\.8 GiB of 16\.0 GiB\)/,
  ],
  [
    'memory',
    { requests: 300, workers: 4, options: healthy, causes: { memory: outside } },
    /^Memory is short: 2\.0 GiB of the model's 8\.0 GiB \(25\.0%\) lie outside the GPU/,
  ],
  [
    'context',
    {
      requests: 250,
      workers: 4,
      options: { ...healthy, prompt_tokens_per_second: 40_000 },
      causes: { promptGrowth: 16 },
    },
    /^The prompts grow: from \d+ to [\d,]+ tokens a request within the trial, and latency with them/,
  ],
  [
    'client-bound',
    { requests: 400, workers: 4, options: {}, causes: { busyMs: 6 } },
    /^llmbatch itself is the limit: its event loop is busy (9\d|100)\.\d% of the time/,
  ],
];

test.runIf(isQuiet).each(planted)('a planted cause is named, and no other: %s', async (cause, run, text) => {
  const [verdicts] = verdictsOf(await plantedRun(run));
  expect(verdicts).toEqual([{ cause, text: expect.stringMatching(text) }]);
});

test.runIf(isQuiet)('nothing is named where nothing is planted', async () => {
  const record = await plantedRun({ requests: 300, workers: 4, options: healthy, nvidiaSmi: cool });
  expect(record.machine.some(({ gpus }) => gpus !== undefined)).toBe(true);
  expect(verdictsOf(record)).toEqual([[]]);
});

const curveOf = async (plan: Pick<Planted, 'options' | 'causes'>, workers: number[]) => {
  const records: TrialRecord[] = [];
  for (const [at, count] of workers.entries()) {
    const record = await plantedRun({ requests: 240, workers: count, ...plan });
    records.push({ ...record, spec: { ...record.spec, number: at + 1 } });
  }
  const [curve, ...others] = analyse([planRecord(records), ...records], backends).curves;
  expect(others).toEqual([]);
  return curve;
};

test.runIf(isQuiet)('an engine that more workers hurt is told so', async () => {
  const curve = await curveOf({ options: { latency_ms: 12, latency_jitter: 0.3 }, causes: { contention: 2 } }, [1, 4]);
  expect(curve).toMatchObject({ shape: 'more workers hurt', recommended: 1 });
  expect(curve?.text).toMatch(/^More workers hurt beyond 1: /);
});

test.runIf(isQuiet)('an engine that is no faster with more workers is called flat', async () => {
  const curve = await curveOf({ options: { latency_ms: 12, latency_jitter: 0.6, slots: 1 } }, [1, 4]);
  expect(curve).toMatchObject({ shape: 'flat', recommended: 1 });
});
