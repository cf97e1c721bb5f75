import type { RunEvent } from '../../src/core/events.ts';
import { createRandom } from '../../src/data/random.ts';
import { createEta } from '../../src/metrics/eta.ts';

/** A run on an engine of the tests' own making. Times are seconds. */
export interface Workload {
  requests: number;
  /** Requests that an earlier session answered. */
  earlier?: number;
  /** Requests in flight. */
  workers: number;
  /** Requests that the engine works on; the others wait. */
  slots?: number;
  /** Tokens of the answer of a request. */
  tokens: (index: number, random: () => number) => number;
  /** Bytes of a request's line in the input. */
  bytes?: (index: number) => number;
  /** Tokens that an answer may have: `max_tokens` of the requests. */
  limit?: number;
  /** Prompt tokens that are computed before its first token. */
  prompt?: (index: number) => number;
  /** Where the model is, as the engine tells it; absent: it does not. */
  place?: 'cpu' | 'gpu';
  /** Seconds of a step, which gives each answer a token: of one alone, and more for each of them. */
  step: [alone: number, each: number];
  /** Seconds a prompt token takes, in which nothing is generated. */
  promptStep?: number;
  /** A prompt is told with the first token of its answer, not while it is computed. */
  tellsPromptLate?: boolean;
  /** How much slower all is from the time on at which this request is sent. */
  slowdown?: { from: number; factor: number };
  /** How fast the engine is at this time of the run, in its usual speed: other programs may take some of it. */
  speedAt?: (seconds: number) => number;
  /** Share of requests that fail at once. */
  failing?: number;
  /** False: nothing is told before an answer is whole. */
  tells?: boolean;
}

export interface Look {
  atSeconds: number;
  done: number;
  eta: { seconds: number; low: number; high: number } | null;
}

export interface SimulatedRun {
  endSeconds: number;
  /** When the slowdown began. */
  changeSeconds: number;
  looks: Look[];
}

interface Going {
  index: number;
  startMs: number;
  prompt: number;
  promptLeft: number;
  length: number;
  so: number;
}

const stepMs = 100;

/** Lengths of answers: the logarithm is normal with this deviation, and twice the mean is the limit. */
export const lognormal =
  (mean: number, deviation: number) =>
  (_: number, random: () => number): number => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const length = mean * Math.exp(deviation * normal - deviation ** 2 / 2);
    return Math.max(1, Math.round(Math.min(length, 2 * mean)));
  };

/** Bytes of all lines that are still to do. */
function restOf({ requests, earlier = 0, bytes }: Workload): { restBytes?: number } {
  if (bytes === undefined) return {};
  const rest = Array.from({ length: requests - earlier }, (_, index) => bytes(earlier + index));
  return { restBytes: rest.reduce((sum, some) => sum + some, 0) };
}

export function simulate(load: Workload, seed = 1): SimulatedRun {
  const random = createRandom(seed);
  const eta = createEta();
  const tells = load.tells ?? true;
  const earlier = load.earlier ?? 0;
  const run = { nowMs: 0, sent: earlier, done: earlier, factor: 1, told: 0, prompt: 0, changeSeconds: Infinity };
  const going: Going[] = [];
  const looks: Look[] = [];
  const emit = (event: RunEvent): void => eta.add(event, run.nowMs);
  const start = { workers: load.workers, maxWorkers: load.workers, contextTokens: null, loadMs: null };
  if (load.place !== undefined) {
    const vramBytes = load.place === 'gpu' ? 1e9 : 0;
    emit({ type: 'model-memory', memory: { weightsBytes: null, loadedBytes: 1e9, vramBytes } });
  }
  emit({ type: 'model-start', total: load.requests, ...start, ...restOf(load) });

  const end = (index: number, length: number, startMs: number): void => {
    run.done++;
    const tokens = { promptTokens: 1, completionTokens: Math.round(length), cachedTokens: null };
    emit({ type: 'request-end', tokens, isAnswered: length > 0, latencyMs: run.nowMs - startMs, rest: null });
    if (load.bytes === undefined) return;
    const times = { latencyMs: run.nowMs - startMs, ttftMs: null, queueMs: null, endedAt: 0 };
    const sample = { kind: null, ...tokens, ...times, attempts: 1, inputBytes: load.bytes(index) };
    emit({ type: 'result-end', sample });
  };
  const send = (): void => {
    while (going.length < load.workers && run.sent < load.requests) {
      const index = run.sent++;
      if (index === load.slowdown?.from) {
        run.factor = load.slowdown.factor;
        run.changeSeconds = run.nowMs / 1000;
      }
      emit({ type: 'request-start' });
      const length = load.tokens(index, random);
      if (random() < (load.failing ?? 0)) end(index, 0, run.nowMs - 20);
      else {
        const prompt = load.prompt?.(index) ?? 0;
        going.push({ index, startMs: run.nowMs, prompt, promptLeft: prompt, length, so: 0 });
      }
    }
  };
  const work = (): void => {
    let seconds = ((load.speedAt?.(run.nowMs / 1000) ?? 1) * stepMs) / 1000 / run.factor;
    const active = going.slice(0, load.slots ?? load.workers);
    for (const one of active) {
      const took = Math.min(one.promptLeft, seconds / (load.promptStep ?? 1));
      one.promptLeft -= took;
      if (load.tellsPromptLate !== true) run.prompt += took;
      seconds -= took * (load.promptStep ?? 1);
      if (seconds <= 1e-9) return;
    }
    const [alone, each] = load.step;
    const gain = seconds / (alone + each * active.length);
    for (const one of active) {
      if (one.so === 0 && load.tellsPromptLate === true) run.prompt += one.prompt;
      run.told += Math.min(gain, one.length - one.so);
      one.so += gain;
    }
    for (let index = going.length - 1; index >= 0; index--) {
      const one = going[index]!;
      if (one.so < one.length) continue;
      going.splice(index, 1);
      end(one.index, one.length, one.startMs);
    }
  };
  const tellFlight = (): void => {
    const tokens = going.map(({ so }) => (tells ? Math.floor(so) : 0));
    const agesMs = going.map(({ startMs }) => run.nowMs - startMs);
    const bytes = going.map(({ index }) => load.bytes?.(index) ?? 0);
    const limits = going.map(() => load.limit ?? null);
    const sums = { writing: 0, tokens: 0, oldest: null, promptComputed: run.prompt, promptCached: 0 };
    emit({
      type: 'flight',
      flight: { ...sums, generated: tells ? run.told : 0, each: { agesMs, tokens, limits, bytes } },
    });
    run.told = 0;
    run.prompt = 0;
  };

  send();
  while (run.done < load.requests) {
    run.nowMs += stepMs;
    work();
    send();
    if (run.nowMs % 500 === 0) tellFlight();
    if (run.nowMs % 10_000 === 0) {
      const progress = { total: load.requests, done: run.done };
      looks.push({ atSeconds: run.nowMs / 1000, done: run.done, eta: eta.read(progress) });
    }
  }
  return { endSeconds: run.nowMs / 1000, changeSeconds: run.changeSeconds, looks };
}
