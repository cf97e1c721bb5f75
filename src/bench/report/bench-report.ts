import type { BenchAnalysis } from '../analysis/analysis.ts';
import type { Weights } from '../analysis/decision.ts';
import type { BenchEnvironment } from '../records/environment.ts';
import type { Prices } from '../analysis/project.ts';

/** All that the reports of a bench are made of. */
export interface BenchReport {
  /** Name of the folder of the bench. */
  name: string;
  analysis: BenchAnalysis;
  /** The machine and the settings; null where they were not kept. */
  environment: BenchEnvironment | null;
  /** Numbers of requests to project to. */
  projectTo: number[];
  prices: Prices;
  weights: Weights;
}
