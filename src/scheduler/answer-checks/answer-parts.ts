import { type Choice, choiceText } from '../../core/completion.ts';
import { isRecord } from '../../data/is-record.ts';
import { withoutThinking } from './thinking.ts';
import type { ErrorKind } from '../../core/errors.ts';
import type { ResultDetails } from '../../core/result-line.ts';

/** A call of a tool, in the shapes of `tools`, of its predecessor `functions`, and of free-form tools. */
export interface ToolCall {
  name: string;
  /** JSON as a text, or as some servers send it; undefined for a free-form tool. */
  arguments: unknown;
}

/** The calls that a choice makes. */
export function callsOf({ message }: Choice): ToolCall[] {
  if (message === undefined) return [];
  const { tool_calls: calls, function_call: call } = message;
  const all = Array.isArray(calls) ? calls.filter(isRecord) : [];
  const asked = all.map(({ function: named, custom }) => (isRecord(named) ? named : isRecord(custom) ? custom : {}));
  if (isRecord(call)) asked.push(call);
  return asked.map(({ name, arguments: given }) => ({ name: typeof name === 'string' ? name : '', arguments: given }));
}

/** Keys for what a model thought, as servers part it from the answer. */
const thinkingKeys = ['reasoning_content', 'reasoning', 'thinking'];

/** The text of the model's thinking, where the server reports it apart; else ''. */
export function thoughtOf({ message, ...choice }: Choice): string {
  const said: Record<string, unknown> = message ?? choice;
  const texts = thinkingKeys.map((key) => said[key]).filter((text) => typeof text === 'string');
  return texts.find((text) => text.trim() !== '') ?? '';
}

/**
 * Says whether a choice is empty, and if so, whether it holds thinking at least. `before` is what an echo puts before
 * the answer.
 */
export function emptinessOf(choice: Choice, before: string): 'thinking' | 'blank' | 'nothing' | null {
  const content = choiceText(choice).slice(before.length);
  const { text, thinking } = withoutThinking(content);
  if (!isBlank(text) || saysOtherwise(choice)) return null;
  if (thinking !== null || thoughtOf(choice) !== '') return 'thinking';
  return content === '' ? 'nothing' : 'blank';
}

/** Blanks, what shows nothing, and the tokens that end an answer, which some servers write out. */
const isBlank = (text: string): boolean => text === '' || blank.test(text);
const blank =
  /^(?:[\s\p{Cc}\p{Default_Ignorable_Code_Point}\u2800]|<\/s>|<eos>|<pad>|<end_of_turn>|<turn\|>|<\|(?:im_end|end|endoftext|end_of_text|eot_id|eom_id|return)\|>|<｜end▁of▁sentence｜>)*$/u;

/** A call, or a sound. */
const saysOtherwise = (choice: Choice): boolean =>
  choice.message !== undefined && (isRecord(choice.message['audio']) || callsOf(choice).length > 0);

/** Why an answer that came is no success. */
export interface Problem {
  kind: ErrorKind;
  message: string;
  /** The choice that is to blame; absent: the first. */
  choice?: Choice;
}

export const notHonoured = (message: string, choice?: Choice): Problem => ({
  kind: 'not-honoured',
  message,
  ...(choice === undefined ? {} : { choice }),
});

/** The answer that came, kept beside the failure for the user to read. */
export function rejectedOf(choice: Choice | undefined): ResultDetails['rejected'] {
  if (choice === undefined) return undefined;
  const thought = thoughtOf(choice);
  const calls = choice.message?.['tool_calls'];
  return {
    content: choiceText(choice),
    finish_reason: choice.finish_reason,
    ...(thought === '' ? {} : { reasoning: thought }),
    ...(Array.isArray(calls) && calls.length > 0 ? { tool_calls: calls as unknown[] } : {}),
  };
}
