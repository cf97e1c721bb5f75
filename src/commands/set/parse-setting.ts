import { InvalidArgumentError } from 'commander';

/** The number of `workers=N`, or `auto`. */
export function parseSetting(text: string): number | 'auto' {
  const [, value] = /^workers=(auto|[1-9]\d{0,4})$/.exec(text) ?? [];
  if (value === undefined) throw new InvalidArgumentError('It is workers=N, with N from 1 to 99999, or workers=auto.');
  return value === 'auto' ? value : Number(value);
}
