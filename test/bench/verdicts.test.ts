import { backends } from '../../src/backends/index.ts';
import type { GpuSample } from '../../src/core/measurements.ts';
import { describe, expect, test } from 'vitest';
import { analyse } from '../../src/bench/analysis/analyse.ts';
import type { Cause, Verdict } from '../../src/bench/analysis/analysis.ts';
import type { TrialRecord } from '../../src/bench/records/records.ts';
import { planRecord } from './plan-record.ts';
import { createRandom } from './random.ts';
import { type Answered, type Changes, type Simulated, simulateTrial } from './simulate-trial.ts';
import { changeSnapshot } from '../helpers/change-snapshot.ts';

const gibibyte = 1024 ** 3;

const gpu = (changes: Partial<GpuSample> = {}): GpuSample => ({
  usedBytes: 8 * gibibyte,
  totalBytes: 16 * gibibyte,
  utilisation: 50,
  temperature: 60,
  powerWatts: 200,
  clockMhz: 2700,
  maxClockMhz: 3000,
  isThrottled: false,
  ...changes,
});

const verdictsOf = (...records: TrialRecord[]): Verdict[][] => {
  const numbered = records.map((record, at) => ({ ...record, spec: { ...record.spec, number: at + 1 } }));
  return analyse([planRecord(numbered), ...numbered], backends).trials.map(({ verdicts }) => verdicts);
};

const causesOf = (...records: TrialRecord[]): Cause[][] =>
  verdictsOf(...records).map((verdicts) => verdicts.map(({ cause }) => cause));

interface Planted extends Partial<Omit<Simulated, 'answer'>> {
  answer?: (number: number, noise: number) => Answered;
  seed?: number;
}

/** 2,000 requests of one and a half seconds, give or take a half. */
function trial(
  { answer = (_, noise) => 1500 * noise, seed = 1, ...planted }: Planted = {},
  changes: Changes = {},
): TrialRecord {
  const random = createRandom(seed);
  const simulated = { requests: 2000, workers: 8, ...planted };
  return simulateTrial({ ...simulated, answer: (number) => answer(number, 2 / 3 + (2 / 3) * random()) }, changes);
}

/** Falls by a third over the trial. */
const falling = (number: number, noise: number): number => 1000 * (1 + number / 4000) * noise;

test('nothing is said of a trial of which nothing is known', () => {
  expect(causesOf(trial())).toEqual([[]]);
});

describe('gpu-bound', () => {
  const busy = (workers: number, latencyMs: number, seed: number) =>
    trial({
      workers,
      seed,
      machine: () => ({ gpus: [gpu({ utilisation: 97 })] }),
      answer: (_, noise) => latencyMs * noise,
    });

  test('is a GPU that computes all the time', () => {
    const [[verdict]] = verdictsOf(busy(8, 1000, 1)) as [[Verdict]];
    expect(verdict.cause).toBe('gpu-bound');
    expect(verdict.text).toMatch(/^The GPU is the limit: it computes 97% of the time for [78]\.\d\d req\/s\./);
  });

  test('is not one that does much more with more workers', () => {
    expect(causesOf(busy(4, 1000, 1), busy(8, 1100, 2))).toEqual([[], ['gpu-bound']]);
    expect(causesOf(busy(4, 1000, 1), busy(8, 1980, 2))).toEqual([['gpu-bound'], ['gpu-bound']]);
  });
});

describe('serialised', () => {
  /** Two slots of a second each, so that the workers beyond them wait. */
  const queued = (workers: number, times: (waitMs: number) => Partial<Answered & object>, seed: number): TrialRecord =>
    trial({
      workers,
      seed,
      answer(_, noise) {
        const waitMs = ((workers - 2) / 2) * 1000 * noise;
        return { latencyMs: waitMs + 1000 * noise, ...times(waitMs) };
      },
    });

  test.each([
    [
      'queue time',
      (waitMs: number) => ({ queueMs: waitMs }),
      /^8 workers get [\d.]+ req\/s, and 2 get [\d.]+: requests wait 3\.\d s instead of 0 ms, /,
      /The server works on about 2 requests at once\. More at once: --option slots=8\. Without that, --workers 3 is as fast\.$/,
    ],
    [
      'time to the first token',
      (waitMs: number) => ({ ttftMs: waitMs + 200 }),
      /: requests take 3\.\d s to the first token instead of 200 ms, /,
      // How much of it is waiting, and how much computing, nobody knows: only what was tried is advised.
      /as before \(\d[^)]*\)\. --workers 2 is as fast\.$/,
    ],
  ])('is found without known slots, by a %s that grows with the workers', (_, times, said, advice) => {
    const verdicts = verdictsOf(queued(2, times, 1), queued(8, times, 2));
    expect(verdicts).toEqual([[], [{ cause: 'serialised', text: expect.stringMatching(said) }]]);
    expect(verdicts[1]?.[0]?.text).toMatch(advice);
  });

  test('is not said where the service time grows: then the engine is busy', () => {
    const shared = (workers: number, seed: number) =>
      trial({
        workers,
        seed,
        answer: (_, noise) => ({ latencyMs: 500 * workers * noise, ttftMs: 300 * workers * noise }),
      });
    expect(causesOf(shared(2, 1), shared(8, 2))).toEqual([[], []]);
  });

  test('is not said of one worker more than slots, which keeps each of them busy', () => {
    const times = (waitMs: number) => ({ latencyMs: 1000, queueMs: Math.min(waitMs, 180) });
    expect(causesOf({ ...queued(5, times, 1), slots: 4 })).toEqual([[]]);
  });
});

describe('thermal', () => {
  const heating = (share: number): Partial<GpuSample> => ({
    temperature: 60 + 25 * share,
    clockMhz: 2700 - 900 * share,
  });

  test('is a falling rate with a clock that falls in heat', () => {
    const [verdicts] = verdictsOf(trial({ answer: falling, machine: (share) => ({ gpus: [gpu(heating(share))] }) }));
    expect(verdicts).toEqual([
      {
        cause: 'thermal',
        text: expect.stringMatching(
          /the rate fell by 3\d\.\d% over the trial while it went from 6\d to 8\d °C and its clock from 2,5\d\d to 1,9\d\d MHz of 3,000\. /,
        ),
      },
    ]);
  });

  test('is known by heat alone where the driver tells no clock', () => {
    const machine = (share: number) => {
      const { clockMhz: _, maxClockMhz: __, isThrottled: ___, ...old } = gpu(heating(share));
      return { gpus: [old] };
    };
    expect(causesOf(trial({ answer: falling, machine }))).toEqual([['thermal']]);
  });

  test.each<[string, (number: number, noise: number) => number, (share: number) => Partial<GpuSample>]>([
    ['the rate stays', (_, noise) => 1000 * noise, heating],
    [
      'the clock falls because the GPU has less to do',
      falling,
      (share) => ({ temperature: 60 - 10 * share, clockMhz: 2700 - 900 * share }),
    ],
    ['it was hot from the start', falling, () => ({ temperature: 84 })],
    ['its power was held down from the start', falling, () => ({ isThrottled: true })],
  ])('is not said where %s', (_, answer, sample) => {
    expect(causesOf(trial({ answer, machine: (share) => ({ gpus: [gpu(sample(share))] }) }))).toEqual([[]]);
  });
});

describe('memory', () => {
  const model = (loadedBytes: number, vramBytes: number): Changes => {
    const { summary } = trial();
    const modelMemory = { weightsBytes: null, loadedBytes, vramBytes };
    return { summary: changeSnapshot(summary, { machine: { modelMemory } }) };
  };

  test('is swap that grows, and not swap that is there', () => {
    const swap = (bytes: (share: number) => number) => trial({ machine: (share) => ({ swapBytes: bytes(share) }) });
    expect(causesOf(swap((share) => gibibyte * (1 + 2 * share)))).toEqual([['memory']]);
    expect(causesOf(swap(() => 4 * gibibyte))).toEqual([[]]);
  });

  test('is a model partly outside the GPU, and not one of an engine without a GPU', () => {
    expect(causesOf(trial({}, model(8e9, 6e9)))).toEqual([['memory']]);
    expect(causesOf(trial({}, model(8e9, 8e9)))).toEqual([[]]);
    expect(causesOf(trial({}, model(8e9, 0)))).toEqual([[]]);
    expect(causesOf(trial({ machine: () => ({ gpus: [gpu()] }) }, model(8e9, 0)))).toEqual([['memory']]);
  });

  test('has all its signs in one sentence', () => {
    const machine = () => ({ gpus: [gpu({ usedBytes: 15.8 * gibibyte })] });
    const [[verdict]] = verdictsOf(trial({ machine }, model(8e9, 6e9))) as [[Verdict]];
    expect(verdict.text).toMatch(
      /^Memory is short: 1\.9 GiB of .*; GPU memory is at 98\.8% \(15\.8 GiB of 16\.0 GiB\)\. Lower /,
    );
  });
});

describe('context', () => {
  const growing = (perToken: number) => (number: number, noise: number) => ({
    promptTokens: 200 + number,
    latencyMs: (1000 + perToken * number) * noise,
  });

  test('is prompts that grow, and latency with them', () => {
    const [verdicts] = verdictsOf(trial({ answer: growing(0.5) }));
    expect(verdicts).toEqual([
      { cause: 'context', text: expect.stringMatching(/^The prompts grow: from 3\d\d to 2,1\d\d tokens a request/) },
    ]);
  });

  test('is not said where latency stays, or grows without the prompts', () => {
    expect(causesOf(trial({ answer: growing(0) }))).toEqual([[]]);
    expect(causesOf(trial({ answer: falling }))).toEqual([[]]);
  });
});

describe('client-bound', () => {
  const client = (loopBusy: number, cpuPercent: number) =>
    trial({ machine: () => ({ client: { loopBusy, cpuPercent, memoryBytes: 1e8 } }) });

  test('is an event loop that is never idle, or a full core', () => {
    expect(causesOf(client(0.95, 60))).toEqual([['client-bound']]);
    expect(causesOf(client(0.75, 99))).toEqual([['client-bound']]);
    expect(causesOf(client(0.3, 120))).toEqual([[]]);
  });
});

test('no cause is named by noise: of 300 trials with a calm machine', () => {
  const causes = Array.from({ length: 300 }, (__, seed) => {
    const random = createRandom(seed + 1000);
    const machine = () => ({
      gpus: [gpu({ temperature: 70 + 4 * random(), clockMhz: 2600 + 100 * random(), utilisation: 60 + 30 * random() })],
      client: { loopBusy: 0.5 * random(), cpuPercent: 60 * random(), memoryBytes: 1e8 },
      swapBytes: 1e8 * random(),
    });
    const answer = (_: number, noise: number) => ({
      latencyMs: 1500 * noise,
      promptTokens: 50 + Math.round(200 * random()),
    });
    return causesOf(trial({ requests: 500, seed, machine, answer })).flat();
  });
  expect(causes.flat()).toEqual([]);
});
