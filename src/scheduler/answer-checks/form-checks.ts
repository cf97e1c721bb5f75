import { type Choice, type Completion, choiceText } from '../../core/completion.ts';
import { shorten } from '../../text/format.ts';
import { deepestNesting, isDeeperThan } from '../../data/nesting.ts';
import type { RequestBody } from '../../core/request.ts';
import { echoOf } from './check-asked.ts';
import type { CheckThread } from './check-thread.ts';
import { type FoundJson, findJson } from './find-json.ts';
import { type Problem, notHonoured, callsOf } from './answer-parts.ts';
import { withoutThinking } from './thinking.ts';

/** Facts that the check of an answer's form adds to the result. */
export interface FormNotes {
  parsed?: unknown;
  unwrapped?: 'fence' | 'think';
  unchecked?: string;
}

/** Checks the form of an answer; null where the check was ended before it was done. */
export type FormCheck = (answer: Completion) => Promise<FormNotes | Problem | null> | FormNotes | Problem | null;

export const isProblem = (found: FormNotes | Problem): found is Problem => 'kind' in found;

/**
 * Checks that each choice is JSON and fits the schema; the parsed value of the first choice is recorded beside the
 * answer.
 */
export function jsonCheck(fits: FitsSchema | null): FormCheck {
  return async ({ body: { choices = [] } }): Promise<FormNotes | Problem | null> => {
    let first: FoundJson | null = null;
    // A model that may call a tool answers with the call, or with the JSON.
    for (const choice of choices.filter((one) => callsOf(one).length === 0)) {
      const found = jsonIn(choice);
      const problem = typeof found === 'string' ? found : await fits?.(found.json);
      if (problem === 'stopped') return null;
      if (typeof problem === 'string') return { kind: 'schema-invalid', message: problem, choice };
      first ??= found as FoundJson;
    }
    if (first === null) return {};
    return { parsed: first.value, ...(first.unwrapped === undefined ? {} : { unwrapped: first.unwrapped }) };
  };
}

/** Says what of a JSON text its schema does not allow; null: nothing; `stopped`: the check was ended. */
export type FitsSchema = (json: string) => Promise<string | null>;

function jsonIn(choice: Choice): FoundJson | string {
  const content = choiceText(choice);
  return isDeeperThan(content, deepestNesting)
    ? `the JSON of the answer is nested more than ${deepestNesting} levels deep`
    : findJson(content);
}

interface TextForm {
  key: string;
  body: RequestBody;
}

/** The text that a form is about: without an echoed prompt, and without the thinking before it. */
const textOf = (choice: Choice, body: RequestBody): string =>
  withoutThinking(choiceText(choice).slice(echoOf(choice, body).length)).text;

export function choiceCheck(choices: readonly string[], { key, body }: TextForm): FormCheck {
  const allowed = new Set(choices.map((text) => text.trim()));
  return (answer) => {
    const odd = (answer.body.choices ?? []).find((choice) => !allowed.has(textOf(choice, body)));
    if (odd === undefined) return {};
    return notHonoured(`\`${key}\` allows ${shorten(choices)}, and the answer is ${shorten(textOf(odd, body))}`, odd);
  };
}

export function patternCheck(pattern: string, { key, body }: TextForm, thread: CheckThread): FormCheck {
  return async ({ body: { choices = [] } }) => {
    for (const choice of choices) {
      // Says whether the text fits as it came, or without the blanks around it.
      const texts = new Set([choiceText(choice).slice(echoOf(choice, body).length), textOf(choice, body)]);
      let problem: string | null = null;
      for (const text of texts) {
        const reply = await thread.run({ type: 'match', pattern, text });
        if (reply === null) return null;
        ({ problem } = reply);
        if (problem === null) break;
      }
      if (problem !== null)
        return notHonoured(
          `\`${key}\` asks for ${shorten(pattern)}, and the answer is ${shorten(textOf(choice, body))}: ${problem}`,
          choice,
        );
    }
    return {};
  };
}
