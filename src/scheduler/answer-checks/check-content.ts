import { type Choice, type ResponseBody, choiceText } from '../../core/completion.ts';
import { formatCounted, notMeasured } from '../../text/format.ts';
import type { RequestBody } from '../../core/request.ts';
import { echoOf } from './check-asked.ts';
import { type Problem, emptinessOf } from './answer-parts.ts';

/** Was an answer ended by a filter, or by a limit? `hint`: what else than the limit may be to blame. */
export function finishProblem(
  { choices = [], usage }: ResponseBody,
  { allowTruncated, hint }: { allowTruncated: boolean; hint: string },
): Problem | null {
  for (const choice of choices) {
    const { finish_reason: reason } = choice;
    if (reason === 'content_filter')
      return { kind: 'refused', message: "the server's content filter cut the answer", choice };
    if (reason === 'length' && !allowTruncated) {
      const way = `${hint}raise max_tokens, or accept cut answers with --allow-truncated`;
      return { kind: 'truncated', message: cutMessage(choice, usage, way), choice };
    }
  }
  return null;
}

/** Where a cut answer is not of the form that was asked for, the cut is to blame, also where cut answers are accepted. */
export function cutFormProblem({ usage }: ResponseBody, choice: Choice | undefined): Problem | null {
  if (choice?.finish_reason !== 'length') return null;
  const way = 'it is not of the form that was asked for. Raise max_tokens';
  return { kind: 'truncated', message: cutMessage(choice, usage, way), choice };
}

/** A model that has written so many blanks, and nothing else, writes them on and on. */
const endlessBlanks = 8;

function cutMessage(choice: Choice, usage: ResponseBody['usage'], way: string): string {
  const tokens = usage === undefined ? `${notMeasured} tokens` : formatCounted(usage.completion_tokens, 'token');
  const text = choiceText(choice);
  if (emptinessOf(choice, '') === 'blank' && text.length >= endlessBlanks)
    return `the answer was cut after ${tokens}, and has only blanks: more tokens would not help. Ask for the answer more plainly in the prompt, or take a larger model`;
  return repeatsItself(text)
    ? `the answer was cut after ${tokens}, while it said the same again and again: more tokens would not end it. Limit its texts in the schema (maxLength), or take a larger model`
    : `the answer was cut after ${tokens}: ${way}`;
}

/** Does a text end with the same, of at most 80 characters, three times and more, over 40 characters at least? */
function repeatsItself(text: string): boolean {
  for (let period = 1; period <= 80; period++) {
    const span = Math.max(3 * period, 40);
    const end = text.slice(-span);
    if (end.length === span && end.slice(period) === end.slice(0, -period)) return true;
  }
  return false;
}

/** An answer that says nothing: the model only thought, or wrote blanks, or ended at once. */
export function emptyProblem({ choices = [] }: ResponseBody, body: RequestBody): Problem | null {
  // The prompt is what is asked about, and the answer a matter of form.
  if (body['max_tokens'] === 0 || typeof body['prompt_logprobs'] === 'number') return null;
  for (const choice of choices) {
    const emptiness = emptinessOf(choice, echoOf(choice, body));
    if (emptiness !== null) return { kind: 'empty', message: messages[emptiness](choice.finish_reason), choice };
  }
  return null;
}

const way = 'accept such answers with --allow-empty-answers';

const messages = {
  thinking: (reason: string): string =>
    reason === 'length'
      ? `the model was cut while it thought, and gave no answer: raise max_tokens, or ${way}`
      : `the model only thought, and gave no answer: switch its thinking off, raise max_tokens, or ${way}`,
  blank: (): string => `the answer is blank: ${way}`,
  nothing: (): string => `the answer is empty: ${way}`,
};
