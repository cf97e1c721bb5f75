import { isRecord } from '../../core/is-record.ts';
import { parsedOrText } from '../server/json-text.ts';

/** Takes the key out of what a server says. */
export interface Redaction {
  /** Of a text. It may be JSON, which can write the same characters in many ways. */
  inText: (text: string) => string;
  /** Of the texts of a value, and the names of its fields. */
  inValue: <T>(value: T) => T;
}

/** What servers without keys are given (EMPTY, none, test) is no secret, and may be a word of an answer. */
const shortestSecret = 8;

export function createRedaction(key: string | null): Redaction {
  if (key === null || key.length < shortestSecret) return { inText: (text) => text, inValue: (value) => value };
  const plain = (text: string): string => text.replaceAll(key, '[key]');
  const deep = (value: unknown): unknown => {
    if (typeof value === 'string') return plain(value);
    if (Array.isArray(value)) return value.map(deep);
    if (!isRecord(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [plain(name), deep(inner)]));
  };
  return {
    inValue: <T>(value: T) => deep(value) as T,
    inText(text) {
      const clean = plain(text);
      if (!clean.includes('\\')) return clean;
      const value = parsedOrText(clean);
      const redacted = JSON.stringify(deep(value));
      const isClean = value === clean || redacted === JSON.stringify(value);
      // Where there is nothing to hide, it stays as it came.
      return isClean ? clean : redacted;
    },
  };
}
