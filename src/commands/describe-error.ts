import type { LlmbatchError } from '../core/errors.ts';

/** What went wrong, and on a line of its own what to do about it. */
export const describeError = ({ message, hint }: LlmbatchError): string =>
  `Error: ${message}${hint === undefined ? '' : `\n${hint}`}`;
