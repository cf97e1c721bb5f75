import { keyMeantBy } from '../core/request-keys/request-keys.ts';
import type { BatchRequest } from '../core/request.ts';
import { printable } from '../text/printable.ts';

/** A key that no engine knows, and that is spelled almost as one that they do. */
export interface MisspeltKey {
  key: string;
  meant: string;
  requests: number;
  first_line: number;
}

/** Names that are looked at; data with more names than that has them as values. */
const maxNames = 10_000;

/** Collects the keys that seem to be misspelt. The requests have them all the same: they may be data. */
export function createMisspeltKeys() {
  const found = new Map<string, MisspeltKey>();
  const meantBy = new Map<string, string | null>();
  const look = (key: string, line: number): void => {
    if (meantBy.get(key) === null) return;
    if (!meantBy.has(key) && meantBy.size < maxNames) meantBy.set(key, keyMeantBy(key));
    const meant = meantBy.get(key) ?? null;
    if (meant === null) return;
    const known = found.get(key) ?? { key, meant, requests: 0, first_line: line };
    found.set(key, { ...known, requests: known.requests + 1 });
  };
  return {
    list: (): MisspeltKey[] => [...found.values()],
    add: ({ body, row, line }: BatchRequest): void => {
      for (const key in body) look(key, line);
      for (const key in row) if (!(key in body)) look(key, line);
    },
  };
}

/** Says that a key is not one; `count` tells at how many requests, where all were looked at. */
export const describeMisspelt = ({ key, meant, first_line: line }: MisspeltKey, count = ''): string =>
  `"${printable(key)}" is not a key of a request (${count}first on line ${line}): did you mean "${meant}"?`;
