import { UsageError } from '../core/errors.ts';
import { backends } from '../backends/index.ts';
import type { BackendDefinition } from '../core/backend.ts';
import type { Strategy, TrialSpec } from './records.ts';

export type Options = TrialSpec['options'];

/** What is compared with what; each combination is a point. */
export interface Matrix {
  engines: Engine[];
  /** Null: auto. */
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
export const mostBaselineRequests = 20;

/** All points, each once. What an engine does not have, such as an option of another's, makes no point of its own. */
export function pointsOf(matrix: Matrix): Point[] {
  const points = matrix.engines.flatMap((engine) =>
    optionsFor(definitionOf(engine), matrix.options).flatMap((options) =>
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
  const size = point.strategy === 'baseline' ? Math.min(point.size, mostBaselineRequests) : point.size;
  return { ...point, size };
}

/** The combinations without what this engine has no option for; an option that no engine has is refused at the trial. */
function optionsFor(definition: BackendDefinition, combinations: readonly Options[]): Options[] {
  const isKnownElsewhere = (key: string): boolean =>
    definition.hasOpenOptions !== true &&
    !(key in definition.optionsHelp) &&
    backends.some(({ optionsHelp }) => key in optionsHelp);
  const own = combinations.map((options) =>
    Object.fromEntries(Object.entries(options).filter(([key]) => !isKnownElsewhere(key))),
  );
  return [...new Map(own.map((options) => [JSON.stringify(options), options])).values()];
}

const definitionOf = ({ backend }: Engine): BackendDefinition => {
  const found = backends.find(({ name }) => name === backend);
  if (found === undefined) throw new UsageError(`no backend is called "${backend}"`);
  return found;
};

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
