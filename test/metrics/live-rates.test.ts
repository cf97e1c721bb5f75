import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Plan, simulateEngine } from './simulated-engine.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const repeat = (count: number, plan: (index: number) => Plan): Plan[] =>
  Array.from({ length: count }, (_, at) => plan(at));

const everyToken = (tokens: number): number => tokens;

type Engine = ReturnType<typeof simulateEngine>;

/** The rates that are shown, beside those that are true. */
function compare({ snapshot, truth }: Engine) {
  const { generation, prompt } = snapshot().rates;
  return { generation, prompt, true: truth() };
}

function expectNear(value: number | null, real: number, share: number): void {
  expect(Math.abs((value ?? Infinity) - real) / real).toBeLessThan(share);
}

describe('an engine that tells of its tokens', () => {
  test('shows 59 answers of a token a second each as 59 tokens a second, long before one ends', async () => {
    const engine = simulateEngine(
      repeat(120, (index) => ({ firstMs: 17 * (index % 59), tokens: 300, perSecond: 1, tells: everyToken })),
      59,
    );
    await engine.watch(330, (second) => {
      if (second % 5 > 0) return;
      const { generation, true: real } = compare(engine);
      expect(generation.basis).toBe('live');
      expectNear(generation.recent, real.generation, 0.06);
      if (second >= 30) expectNear(real.generation, 59, 0.04);
    });
  });

  test('shows one looping answer with its age and its tokens, never as 0', async () => {
    const engine = simulateEngine([{ tokens: 1e6, perSecond: 12, tells: everyToken }], 1);
    await engine.watch(360, (second) => {
      if (second < 3) return;
      const { rates, progress } = engine.snapshot();
      expectNear(rates.generation.recent, 12, 0.06);
      expectNear(progress.oldestInFlight!.tokens, 12 * second, 0.06 + 6 / second);
      expect(Math.abs(progress.oldestInFlight!.ageSeconds - second)).toBeLessThan(0.1);
      expect(progress.tokensInFlight).toBe(progress.oldestInFlight!.tokens);
    });
  });

  test('counts a conversation by what it computes, not by what is in its cache', async () => {
    const turn = (index: number): Plan => ({
      firstMs: 500,
      tokens: 82,
      perSecond: 41,
      tells: everyToken,
      tellsPrompt: true,
      prompt: { computed: 50, cached: 120 * index },
    });
    const engine = simulateEngine(repeat(100, turn), 1);
    await engine.watch(120, (second) => {
      if (second < 10) return;
      const { generation, prompt, true: real } = compare(engine);
      expectNear(generation.recent, real.generation, 0.06);
      expectNear(prompt.recent, real.prompt, 0.2);
      expect(prompt).toMatchObject({ basis: 'live', includesCached: false });
      expect(generation.recent).toBeLessThan(42);
    });
  });

  test('has failed and aborted answers in it, as far as they came', async () => {
    const plan = (index: number): Plan => ({
      tokens: 100,
      perSecond: 5,
      tells: everyToken,
      ...(index % 3 === 0 ? { failsAt: 60 } : {}),
    });
    const engine = simulateEngine(repeat(60, plan), 8);
    await engine.watch(70, (second) => {
      if (second === 33) engine.inFlight.abortAll('stopped');
      if (second < 5) return;
      const { generation, true: real } = compare(engine);
      expectNear(generation.recent, real.generation, 0.06);
    });
    const { overall } = engine.snapshot().rates.generation;
    expectNear(overall! * 70, engine.made(), 0.03);
  });

  test('that stands still is shown as slower and slower, in the end as 0', async () => {
    const engine = simulateEngine([{ tokens: 1e6, perSecond: 10, tells: (tokens) => Math.min(tokens, 300) }], 1);
    await engine.watch(120);
    expect(engine.snapshot().rates.generation.recent).toBe(0);
  });
});

describe('an engine that tells of pieces', () => {
  test.each([
    ['four tokens in each', (tokens: number) => tokens / 4],
    ['half a token in each', (tokens: number) => 2 * tokens],
  ])('is scaled once whole answers show the factor: %s', async (_name, tells) => {
    const engine = simulateEngine(
      repeat(100, (index) => ({ tokens: 40 + (index % 5) * 10, perSecond: 4, tells })),
      8,
    );
    await engine.watch(150, (second) => {
      if (second < 45) return;
      const { generation, true: real } = compare(engine);
      expectNear(generation.recent, real.generation, 0.06);
      expect(generation.basis).toBe('live');
    });
    expectNear(engine.snapshot().progress.tokensInFlight, 8 * 30, 0.5);
  });

  test('is right in the end whatever it tells: sums are those that the engine counted', async () => {
    const odd = [
      undefined,
      everyToken,
      (tokens: number) => tokens / 7,
      (tokens: number) => tokens * 3,
      (tokens: number) => Math.min(tokens, 5),
    ];
    const plan = (index: number): Plan => {
      const tells = odd[index % odd.length];
      return {
        tokens: 20 + index,
        perSecond: 20,
        ...(tells === undefined ? {} : { tells }),
        prompt: { computed: 7, cached: 3 },
      };
    };
    const engine = simulateEngine(repeat(50, plan), 5);
    await engine.watch(120);
    await engine.done;
    const { rates, tokens, times } = engine.snapshot();
    expect(tokens.completion).toBe(50 * 20 + (49 * 50) / 2);
    expect(rates.generation.overall! * times.elapsedSeconds).toBeCloseTo(tokens.completion!, 6);
    expect(rates.prompt.overall! * times.elapsedSeconds).toBeCloseTo(50 * 7, 6);
    expect(engine.snapshot().progress).toMatchObject({ oldestInFlight: null, tokensInFlight: null });
  });
});

describe('an engine that tells nothing before the end', () => {
  test('is measured by ended answers, and says so', async () => {
    const engine = simulateEngine(
      repeat(300, (index) => ({
        firstMs: 500 + 50 * (index % 8),
        tokens: 20,
        perSecond: 5,
        prompt: { computed: 30, cached: 0 },
      })),
      8,
    );
    await engine.watch(1);
    expect(engine.snapshot().rates.generation).toEqual({ recent: null, overall: null, basis: null });
    await engine.watch(59);
    const { generation, true: real } = compare(engine);
    expect(generation.basis).toBe('ended');
    expectNear(generation.recent, real.generation, 0.15);
    expect(engine.snapshot().progress).toMatchObject({ oldestInFlight: { tokens: null }, tokensInFlight: null });
  });

  test('knows no rate of the last minute while nothing has ended in it', async () => {
    const engine = simulateEngine(
      [
        { tokens: 10, perSecond: 10 },
        { tokens: 1e6, perSecond: 10 },
      ],
      1,
    );
    await engine.watch(120);
    expect(engine.snapshot().rates.generation).toEqual({ recent: null, overall: 10 / 120, basis: 'ended' });
  });

  test('has a rate of all prompt tokens where it hides what its cache gave', async () => {
    const plan: Plan = { tokens: 10, perSecond: 10, prompt: { computed: 40, cached: 60 }, hidesCached: true };
    const engine = simulateEngine(
      repeat(30, () => plan),
      1,
    );
    await engine.watch(20);
    const { prompt } = engine.snapshot().rates;
    expect(prompt).toMatchObject({ basis: 'live', includesCached: true });
    expectNear(prompt.overall, 100, 0.1);
  });
});
