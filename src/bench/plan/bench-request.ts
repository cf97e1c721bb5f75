import type { GivenFlag } from '../../text/command-line.ts';
import type { TrialBase } from '../records/environment.ts';
import type { Matrix } from './matrix.ts';
import type { OrderOptions } from './order.ts';

/** What is to be measured. */
export interface BenchRequest extends Omit<Matrix, 'engines' | 'sizes'>, OrderOptions {
  /** Numbers of requests; null: the usual number, or all that the input has. */
  sizes: number[] | null;
  /** File of the requests; null: the bundled candidates. */
  input: string | null;
  base: TrialBase;
  /** Engines with their models. None: what `run` would choose. A model that isn't named: that of the flags, else of the input. */
  engines: { backend: string; model: string | null }[];
  budgetSeconds: number | null;
  /** The flags of the command line, for messages that propose another command. */
  given?: readonly GivenFlag[];
}
