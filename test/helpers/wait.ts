import { vi } from 'vitest';

/** Far more than anything takes, also on a machine with much else to do: Vitest's own second is not. */
const patience = { timeout: 120_000, interval: 20 };

/** Polls until the condition holds, and gives what it returned. */
export const waitUntil = <T>(condition: () => T | Promise<T>) => vi.waitUntil(condition, patience);

/** Polls until nothing is thrown, and gives what is returned. */
export const waitFor = <T>(assertion: () => T | Promise<T>): Promise<T> => vi.waitFor(assertion, patience);
