import { isRecord } from '../data/is-record.ts';
import { spellings } from './spellings.ts';

/** Takes secrets out of what somebody else says. Texts come whole: of one that is cut first, a part may stay. */
export interface Redaction {
  /** Takes the secrets out of a text; JSON stays JSON. */
  inText: (text: string) => string;
  /** Takes the secrets out of all texts of a value and out of the names of its fields. */
  inValue: <T>(value: T) => T;
}

/**
 * Shortest key that counts as a secret: what servers without keys are given (EMPTY, none, test) is none, and may be a
 * word of an answer.
 */
const shortestSecret = 8;

const untouched: Redaction = { inText: (text) => text, inValue: (value) => value };

export function createRedaction(secrets: readonly (string | null)[]): Redaction {
  const known = secrets.filter((secret) => secret !== null && secret.length >= shortestSecret) as string[];
  if (known.length === 0) return untouched;
  // The longest first: one may be the beginning of another.
  const patterns = [...new Set(known)].toSorted((left, right) => right.length - left.length).flatMap(spellings);
  const inText = (text: string): string => patterns.reduce((clean, pattern) => clean.replace(pattern, '[key]'), text);
  const deep = (value: unknown): unknown => {
    if (typeof value === 'string') return inText(value);
    if (Array.isArray(value)) return value.map(deep);
    if (!isRecord(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [inText(name), deep(inner)]));
  };
  return { inText, inValue: <T>(value: T) => deep(value) as T };
}
