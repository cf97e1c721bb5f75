import type { FailureGroup } from '../../core/failures/failure-groups.ts';
import type { ErrorCounts } from '../../core/snapshot.ts';
import { formatInteger } from '../../text/format.ts';
import { printable } from '../../text/printable.ts';

const maxIdCharacters = 40;

/** Rows of failures, the most frequent first: `truncated 3`, and `the answer was cut after 40 tokens (line-1, line-2, line-4)`. */
export function failureRows({ byKind, failures }: ErrorCounts): [label: string, text: string][] {
  return Object.entries(byKind).flatMap(([kind, count]): [string, string][] => {
    const told = failures.filter((failure) => failure.kind === kind);
    const others = count - told.reduce((sum, failure) => sum + failure.count, 0);
    const rows = told.map((failure): [string, string] => [`${kind} ${formatInteger(failure.count)}`, wordsOf(failure)]);
    if (others <= 0) return rows;
    return [...rows, [`${kind} ${formatInteger(others)}`, told.length === 0 ? '' : 'for other reasons']];
  });
}

function wordsOf({ count, message, ids }: FailureGroup): string {
  const shown = ids.map((id) => printable(id, maxIdCharacters));
  if (count > ids.length) shown.push('...');
  const requests = shown.length === 0 ? '' : `(${shown.join(', ')})`;
  return [printable(message), requests].filter(Boolean).join(' ');
}

/** The same rows as texts: `truncated 3: the answer was cut after 40 tokens (line-1, line-2, line-4)`. */
export const failureTexts = (errors: ErrorCounts): string[] =>
  failureRows(errors).map(([label, text]) => (text === '' ? label : `${label}: ${text}`));

/** Breaks a text at its blanks into lines of at most so many characters; a longer word stays whole. */
export function wrapWords(text: string, maxCharacters: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > maxCharacters) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}
