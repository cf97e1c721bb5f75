import { formatInteger } from '../text/format.ts';
import type { Snapshot } from '../core/snapshot.ts';

/** A sum of tokens; where nobody counted those of some attempts it is the least that was spent, and says so. */
export const minimumText = ({ uncounted, prompt, completion }: Snapshot['tokens'], text: string): string =>
  uncounted === 0 || (prompt === null && completion === null) ? text : `at least ${text}`;

const lost = (all: number | null, ofAnswers: number | null): number =>
  all === null || ofAnswers === null ? 0 : all - ofAnswers;

/** What the attempts without an accepted answer took of them; none where all were accepted at once. */
export function failedRows(tokens: Snapshot['tokens']): string[][] {
  const { prompt, completion, answered, uncounted } = tokens;
  const [lostPrompt, lostCompletion] = [lost(prompt, answered.prompt), lost(completion, answered.completion)];
  if (lostPrompt + lostCompletion + uncounted === 0) return [];
  const known = `${formatInteger(lostPrompt)} prompt, ${formatInteger(lostCompletion)} completion`;
  const attempts = `${formatInteger(uncounted)} ${uncounted === 1 ? 'attempt' : 'attempts'}`;
  const parts = [
    lostPrompt + lostCompletion === 0 ? '' : known,
    uncounted === 0 ? '' : `what ${attempts} took, which nobody counted`,
  ];
  return [['failed', parts.filter((part) => part !== '').join(', and ')]];
}
