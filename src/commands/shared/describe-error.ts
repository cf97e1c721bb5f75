import type { LlmbatchError } from '../../core/errors.ts';

/** What went wrong, and what to do about it: a message each. */
export const describeError = ({ message, hint }: LlmbatchError): string[] => [
  `Error: ${message}`,
  ...(hint === undefined ? [] : [hint]),
];
