import { formatInteger } from '../../core/format.ts';
import type { TrialRecord, TrialSpec } from '../records.ts';

type Named = Pick<TrialRecord, 'spec' | 'workers'>;

/** Names of trials by what they differ in, by their numbers: `#3 ollama, 4 workers`. */
export function nameTrials(trials: readonly Named[]): Map<number, string> {
  return new Map(trials.map((trial) => [trial.spec.number, `#${trial.spec.number} ${nameOf(trial, trials)}`]));
}

/** A setting, whose repeats and batches have the same name. */
export function nameOf(trial: Named, trials: readonly Named[]): string {
  const words = wordsOf(trial);
  const isTold = (name: string): boolean => trials.some((other) => wordsOf(other)[name] !== words[name]);
  const told = Object.keys(words).filter((name) => isTold(name));
  return (told.length === 0 ? ['workers'] : told)
    .map((name) => words[name])
    .filter(Boolean)
    .join(', ');
}

function wordsOf({ spec, workers }: Named): Record<string, string> {
  const options = Object.entries(spec.options).map(([key, value]) => `${key}=${value}`);
  return {
    backend: spec.backend,
    model: spec.model,
    strategy: spec.strategy,
    workers: workersText(spec, workers),
    size: `${formatInteger(spec.size)} requests`,
    options: options.join(', '),
  };
}

function workersText(spec: TrialSpec, workers: number | null): string {
  const count = spec.workers ?? workers;
  if (count === null) return 'auto workers';
  return `${count} ${count === 1 ? 'worker' : 'workers'}${spec.workers === null ? ' (auto)' : ''}`;
}
