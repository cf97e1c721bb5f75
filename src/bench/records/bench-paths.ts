import { join } from 'node:path';
import type { TrialSpec } from './records.ts';

/** Paths of a bench. All of its files lie in its folder. */
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

/** File of the requests that all trials of a size have. */
export const inputOf = ({ folder }: BenchPaths, size: number): string => join(folder, 'inputs', `${size}.jsonl`);

export const warmUpInput = ({ folder }: BenchPaths): string => join(folder, 'inputs', 'warm-up.jsonl');

/** The beginning of the names of all files of a trial: its number, as in `07.`. */
export const trialPrefix = ({ number }: Pick<TrialSpec, 'number'>): string => `${String(number).padStart(2, '0')}.`;

/** Path of a trial's results, from the folder of the bench. */
export const outputNameOf = (spec: Pick<TrialSpec, 'number'>): string => `outputs/${trialPrefix(spec)}results.jsonl`;
