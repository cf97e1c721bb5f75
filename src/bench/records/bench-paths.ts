import { join } from 'node:path';
import type { TrialSpec } from './records.ts';

/** The folder of a bench. Nothing of it lies elsewhere. */
export interface BenchPaths {
  folder: string;
  trials: string;
  environment: string;
}

export const benchPaths = (folder: string): BenchPaths => ({
  folder,
  trials: join(folder, 'trials.jsonl'),
  environment: join(folder, 'environment.json'),
});

/** The requests of all trials of a size. */
export const inputOf = ({ folder }: BenchPaths, size: number): string => join(folder, 'inputs', `${size}.jsonl`);

export const warmUpInput = ({ folder }: BenchPaths): string => join(folder, 'inputs', 'warm-up.jsonl');

/** Of a look at an engine's speed; its folder is removed behind it. */
export const probeOutput = ({ folder }: BenchPaths): string => join(folder, 'probe', 'results.jsonl');

/** What the names of all files of a trial begin with. */
export const trialPrefix = ({ number }: Pick<TrialSpec, 'number'>): string => `${String(number).padStart(2, '0')}.`;

/** In the folder of the bench. */
export const outputNameOf = (spec: Pick<TrialSpec, 'number'>): string => `outputs/${trialPrefix(spec)}results.jsonl`;
