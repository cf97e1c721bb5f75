import type { z } from 'zod';
import { shorten } from '../../text/format.ts';

type Issue = z.core.$ZodIssue;

/** What was found wrong with a value, as a part of a sentence that follows the value's name: `can't be "x": it must be a number`. */
export const describeIssue = (issue: Issue, value: unknown): string =>
  `can't be ${shorten(value)}: it must be ${expected(issue)}`;

function expected(issue: Issue): string {
  if (issue.code === 'invalid_type') return kinds[issue.expected] ?? `of the type ${issue.expected}`;
  if (issue.code === 'too_small') return `${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`;
  if (issue.code === 'too_big') return `${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}`;
  if (issue.code === 'invalid_value') return issue.values.map(String).join(' or ');
  if (issue.code === 'invalid_union')
    return issue.errors.flatMap(([first]) => (first === undefined ? [] : [expected(first)])).join(', or ') || 'another';
  // The texts of our own patterns and checks say what is expected.
  return issue.message;
}

const kinds: Record<string, string> = {
  number: 'a number',
  int: 'a whole number',
  string: 'a text',
  boolean: 'true or false',
};
