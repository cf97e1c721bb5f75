import { InvalidArgumentError } from 'commander';
import { maxSetWorkers } from '../../run/live/max-set-workers.ts';

/** The number of `workers=N`, or `auto`. */
export function parseSetting(text: string): number | 'auto' {
  const [, value] = /^workers=(auto|[1-9]\d{0,3})$/.exec(text) ?? [];
  if (value === undefined || Number(value) > maxSetWorkers)
    throw new InvalidArgumentError(`It is workers=N, with N from 1 to ${maxSetWorkers}, or workers=auto.`);
  return value === 'auto' ? value : Number(value);
}
