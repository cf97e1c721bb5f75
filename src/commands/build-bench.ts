import { combine, parseEngine } from '../bench/matrix.ts';
import type { BenchRequest } from '../bench/plan-bench.ts';
import { checkOptions, findBackend } from '../run/choose-backend.ts';
import type { BenchFlags } from './bench-flags.ts';
import { answerSettings, runnerSettings } from './build-request.ts';

const defaults = { workers: [1, 2, 4, 8], sizes: [1000], repeats: 3 };

/** What the flags of `bench` ask for; checked as far as it can be without an engine. */
export async function buildBench(input: string | null, flags: BenchFlags): Promise<BenchRequest> {
  const settings = await answerSettings(flags, input ?? '');
  const engines = (flags.backends ?? []).map(parseEngine);
  for (const { backend } of engines) findBackend(backend);
  const options = combine(asLists({ ...settings.options, ...flags.options }));
  const backend = engines[0]?.backend ?? settings.backend;
  if (engines.length < 2 && backend !== 'auto') {
    for (const combination of options) await checkOptions(findBackend(backend), combination);
  }
  return {
    input,
    base: { settings, runner: runnerSettings({ ...flags, workers: null }) },
    engines,
    workers: flags.workers ?? defaults.workers,
    sizes: flags.sizes ?? defaults.sizes,
    strategies: flags.strategies ?? [flags.mode === 'conversation' ? 'conversation' : 'independent'],
    options,
    repeats: flags.repeat ?? (flags.batches === undefined ? defaults.repeats : 1),
    batches: flags.batches ?? null,
    seed: flags.orderSeed,
    budgetSeconds: flags.budget === undefined ? null : flags.budget / 1000,
  };
}

const asLists = (options: Record<string, unknown>): BenchFlags['options'] =>
  Object.fromEntries(
    Object.entries(options).map(([key, value]) => [key, Array.isArray(value) ? value : [value]]),
  ) as BenchFlags['options'];
