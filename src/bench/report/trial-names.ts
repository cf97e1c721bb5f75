import { formatInteger } from '../../text/format.ts';
import { workersText } from '../analysis/trial-groups.ts';
import type { TrialRecord } from '../records/records.ts';

type Named = Pick<TrialRecord, 'spec' | 'workers'>;

/** Names of trials by what they differ in, by their numbers: `#3 ollama, 4 workers`. */
export function nameTrials(trials: readonly Named[]): Map<number, string> {
  const nameOf = nameSettings(trials);
  return new Map(
    trials.map((trial) => {
      const { number, batch } = trial.spec;
      return [number, `#${number} ${nameOf(trial)}${batch === null ? '' : `, batch ${batch}`}`];
    }),
  );
}

/** Names of settings: repeats and batches of one have the same name, and no two settings have. */
export function nameSettings(trials: readonly Named[]): (trial: Named) => string {
  const told = fieldsThatTell(trials.map(wordsOf));
  return (trial) => textOf(wordsOf(trial), told);
}

/** Fields in which settings differ; options, size and model only where the others can't tell them apart. */
function fieldsThatTell(settings: readonly Words[]): Field[] {
  const countNames = (kept: readonly Field[]): number =>
    new Set(settings.map((words) => JSON.stringify(kept.map((field) => words[field])))).size;
  const varying = fields.filter((field) => field === 'workers' || countNames([field]) > 1);
  return needless.reduce<Field[]>((kept, field) => {
    const fewer = kept.filter((other) => other !== field);
    return countNames(fewer) === countNames(varying) ? fewer : kept;
  }, varying);
}

const fields = ['backend', 'model', 'strategy', 'workers', 'size', 'options'] as const;
type Field = (typeof fields)[number];
const needless: Field[] = ['options', 'size', 'model'];
type Words = Record<Field, string>;

/** Joins the words of a setting, without one for the strategy that everybody takes. */
const textOf = (words: Words, told: readonly Field[]): string =>
  told
    .map((field) => words[field])
    .filter((word) => word !== '' && word !== 'independent')
    .join(', ');

function wordsOf({ spec, workers }: Named): Words {
  const options = Object.entries(spec.options).map(([key, value]) => `${key}=${value}`);
  return {
    backend: spec.backend,
    model: spec.model,
    strategy: spec.strategy,
    workers:
      spec.workers === null ? `auto workers${workers === null ? '' : ` (${workers})`}` : workersText(spec.workers),
    size: `${formatInteger(spec.size)} requests`,
    options: options.join(', '),
  };
}
