import { type Options, combine, parseEngine } from '../../bench/plan/matrix.ts';
import type { BenchRequest } from '../../bench/plan/bench-request.ts';
import type { BackendDefinition } from '../../core/backend.ts';
import { checkChatTemplate, checkOptions, findBackend } from '../../run/choose/choose-backend.ts';
import type { BenchFlags } from './flags.ts';
import { answerSettings, runnerSettings } from '../shared/build-request.ts';

const defaults: Pick<BenchRequest, 'workers' | 'repeats'> = {
  workers: [1, 2, 4, 8],
  repeats: 3,
};

const defaultBudgetSeconds = 30 * 60;

/** What the flags of `bench` ask for; checked as far as it can be without an engine. */
export async function buildBench(
  input: string | null,
  flags: BenchFlags,
  backends: readonly BackendDefinition[],
): Promise<BenchRequest> {
  const settings = await answerSettings(flags);
  const engines = (flags.backends ?? []).map(parseEngine);
  const options = combine(asLists({ ...settings.options, ...flags.options }));
  const names =
    engines.length === 0 && settings.backend !== 'auto' ? [settings.backend] : engines.map(({ backend }) => backend);
  const definitions = names.map((name) => findBackend(backends, name));
  for (const definition of definitions) checkChatTemplate(definition, settings);
  await checkEngines(definitions, options);
  return {
    backends,
    input,
    base: {
      settings,
      runner: await runnerSettings(
        { ...flags, backend: flags.backends === undefined ? flags.backend : 'auto', workers: 'auto' },
        backends,
      ),
    },
    engines,
    options,
    ...sizesOf(flags),
    seed: flags.orderSeed,
    budgetSeconds: budgetOf(flags),
    given: flags.given,
  };
}

/**
 * Seconds that the bench may take; null where `--sizes` was given without `--budget`, since its trials are not to be
 * cut.
 */
function budgetOf({ budget, sizes }: BenchFlags): number | null {
  if (budget !== undefined) return budget / 1000;
  return sizes === undefined ? defaultBudgetSeconds : null;
}

function sizesOf(flags: BenchFlags) {
  const { workers = defaults.workers, sizes = null, batches = null, mode } = flags;
  const { strategies = [mode === 'conversation' ? 'conversation' : 'independent'] } = flags;
  const { repeat = batches === null ? defaults.repeats : 1 } = flags;
  return { workers, sizes, strategies, repeats: repeat, batches };
}

/** Checks the options of a single engine. Of several, each takes the options that it has. */
async function checkEngines(definitions: readonly BackendDefinition[], options: Options[]): Promise<void> {
  const [only] = definitions;
  if (only === undefined || definitions.length > 1) return;
  for (const combination of options) await checkOptions(only, combination);
}

const asLists = (options: Record<string, unknown>): BenchFlags['options'] =>
  Object.fromEntries(
    Object.entries(options).map(([key, value]) => [key, Array.isArray(value) ? value : [value]]),
  ) as BenchFlags['options'];
