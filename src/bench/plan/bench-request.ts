import type { TrialBase } from '../records/environment.ts';
import type { Matrix } from './matrix.ts';
import type { OrderOptions } from './order.ts';

/** What is to be measured. */
export interface BenchRequest extends Omit<Matrix, 'engines' | 'sizes'>, OrderOptions {
  /** Null: those that the budget has room for. */
  sizes: number[] | null;
  /** Null: the bundled candidates. */
  input: string | null;
  base: TrialBase;
  /** None: what `run` would choose. A model that isn't named: that of the flags, else of the input. */
  engines: { backend: string; model: string | null }[];
  budgetSeconds: number | null;
}
