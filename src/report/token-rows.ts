import { formatInteger } from '../text/format.ts';
import type { TokenCounts } from '../core/snapshot.ts';

/** The text of a sum of tokens, marked as a lower limit where some attempts were not counted. */
export const minimumText = ({ uncounted, prompt, completion }: TokenCounts, text: string): string =>
  uncounted === 0 || (prompt === null && completion === null) ? text : `at least ${text}`;

const difference = (all: number | null, answered: number | null): number =>
  all === null || answered === null ? 0 : all - answered;

/** A row with the tokens of attempts without an accepted answer; none where every first attempt was accepted. */
export function failedRows(tokens: TokenCounts): string[][] {
  const { prompt, completion, answered, uncounted } = tokens;
  const failedPrompt = difference(prompt, answered.prompt);
  const failedCompletion = difference(completion, answered.completion);
  if (failedPrompt + failedCompletion + uncounted === 0) return [];
  const counted = `${formatInteger(failedPrompt)} prompt, ${formatInteger(failedCompletion)} completion`;
  const attempts = `${formatInteger(uncounted)} ${uncounted === 1 ? 'attempt' : 'attempts'}`;
  const parts = [
    failedPrompt + failedCompletion === 0 ? '' : counted,
    uncounted === 0 ? '' : `what ${attempts} took, which nobody counted`,
  ];
  return [['failed', parts.filter((part) => part !== '').join(', and ')]];
}
