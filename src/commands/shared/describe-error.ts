import type { LlmbatchError } from '../../core/errors.ts';

/** The messages of an error: what went wrong, and what to do about it. */
export const describeError = ({ message, hint }: LlmbatchError): string[] => [
  `Error: ${message}`,
  ...(hint === undefined ? [] : [hint]),
];
