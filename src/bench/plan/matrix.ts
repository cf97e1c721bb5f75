import { findBackend } from '../../run/choose/choose-backend.ts';
import type { BackendDefinition } from '../../core/backend.ts';
import type { Strategy, TrialSpec } from '../records/records.ts';

export type Options = TrialSpec['options'];

/** What is compared with what; each combination is a point. */
export interface Matrix {
  /** The engines that there are. */
  backends: readonly BackendDefinition[];
  engines: Engine[];
  /** Requests in flight; null: auto. */
  workers: (number | null)[];
  sizes: number[];
  strategies: Strategy[];
  /** Combinations of values of the engines' own options. */
  options: Options[];
}

export interface Engine {
  backend: string;
  model: string;
}

/** A point of the matrix: what its trials have in common. */
export type Point = Omit<TrialSpec, 'number' | 'repeat' | 'batch'>;

/** An engine is loaded for each request of it: more of them would say nothing new, and take hours. */
export const maxBaselineRequests = 20;

/** All points, each once. What an engine does not have, such as an option of another's, makes no point of its own. */
export function pointsOf(matrix: Matrix): Point[] {
  const points = matrix.engines.flatMap((engine) =>
    optionsFor(engine, matrix).flatMap((options) =>
      matrix.strategies.flatMap((strategy) =>
        matrix.sizes.flatMap((size) =>
          workersOf(strategy, matrix.workers).map((workers) =>
            pointOf({ ...engine, workers, size, strategy, options }),
          ),
        ),
      ),
    ),
  );
  const seen = new Map(points.map((point) => [JSON.stringify(point), point]));
  return [...seen.values()];
}

const isSerial = (strategy: Strategy): boolean => strategy === 'baseline' || strategy === 'keep-alive';

const workersOf = (strategy: Strategy, workers: Matrix['workers']): Matrix['workers'] =>
  isSerial(strategy) ? [1] : workers;

function pointOf(point: Point): Point {
  const size = point.strategy === 'baseline' ? Math.min(point.size, maxBaselineRequests) : point.size;
  return { ...point, size };
}

/**
 * The combinations without what is meant for another engine: what this one has no name for and another has, or may have, for
 * vLLM takes what it has no name for. An option that no engine has is refused at the trial.
 */
function optionsFor(engine: Engine, { backends, engines, options: combinations }: Matrix): Options[] {
  const definitionOf = ({ backend }: Engine): BackendDefinition => findBackend(backends, backend);
  const own = definitionOf(engine);
  const beside = engines.map(definitionOf);
  const isAnothers = (key: string): boolean => {
    if (key in own.optionsHelp) return false;
    if (isOpen(own)) return beside.some(({ optionsHelp }) => key in optionsHelp);
    return backends.some(({ optionsHelp }) => key in optionsHelp) || beside.some(isOpen);
  };
  const kept = combinations.map((options) =>
    Object.fromEntries(Object.entries(options).filter(([key]) => !isAnothers(key))),
  );
  return [...new Map(kept.map((options) => [JSON.stringify(options), options])).values()];
}

const isOpen = ({ hasOpenOptions }: BackendDefinition): boolean => hasOpenOptions === true;

/** `ollama:gemma3:4b` → the backend up to the first colon, and the model behind it, which may hold more of them. */
export function parseEngine(text: string): { backend: string; model: string | null } {
  const at = text.indexOf(':');
  return at < 0 ? { backend: text, model: null } : { backend: text.slice(0, at), model: text.slice(at + 1) || null };
}

/** `{num_ctx: [4096, 8192], num_batch: [256]}` → each combination of one value of each. */
export function combine(values: Record<string, Options[string][]>): Options[] {
  return Object.entries(values).reduce<Options[]>(
    (combinations, [key, list]) => combinations.flatMap((known) => list.map((value) => ({ ...known, [key]: value }))),
    [{}],
  );
}
