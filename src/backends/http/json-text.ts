import { deepestNesting, isDeeperThan } from '../../data/nesting.ts';
import { BrokenAnswer } from './connection-errors.ts';

/** Parses JSON that is a part of an answer; undefined where it is no JSON. Throws where it is nested too deep. */
export function parsedAnswer(text: string): unknown {
  if (isDeeperThan(text, deepestNesting)) {
    const message = `The answer of the server is nested more than ${deepestNesting} levels deep.`;
    throw new BrokenAnswer('invalid-response', message);
  }
  return parsed(text);
}

/** The value of a text that may be JSON, else the text. */
export function parsedOrText(text: string): unknown {
  if (isDeeperThan(text, deepestNesting)) return text;
  const value = parsed(text);
  return value === undefined ? text : value;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * A value that a server chose, for a message: a text as it is, anything else as JSON. `String(value)` would call what
 * such a value names its `toString`.
 */
export const foreignText = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');

/** A header, of which there may be several. */
export const headerText = (header: string | string[] | undefined): string => [header ?? ''].flat()[0] ?? '';
