import { isRecord } from '../data/is-record.ts';

/**
 * How a model is to think before it answers. false: not at all · true: as it does by itself · a text: at this level (`low`,
 * `medium`, `high`) · a number: for so many tokens at most.
 */
export type Thinking = boolean | string | number;

/** The levels of `--think`, and of a line's own `think`. */
const thinkingLevels: readonly string[] = ['low', 'medium', 'high'];

/** The values of `reasoning_effort`, of which none means false. */
export const efforts: readonly string[] = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'];

/** Can a value be that of the key `think`? */
export const isThinking = (value: unknown): value is Thinking =>
  typeof value === 'boolean' ||
  (typeof value === 'string' && thinkingLevels.includes(value)) ||
  (Number.isSafeInteger(value) && Number(value) > 0);

/** Keys of `chat_template_kwargs` with which templates are told whether to think: each is the word of some model families. */
export const thinkingSwitches = ['enable_thinking', 'thinking'] as const;
/** Keys of `chat_template_kwargs` for a level, and for a number of tokens. */
export const [levelWord, budgetWord] = ['reasoning_effort', 'thinking_budget'] as const;

/** All of them. */
export const thinkingWords: ReadonlySet<string> = new Set([...thinkingSwitches, levelWord, budgetWord]);

type Fields = Readonly<Record<string, unknown>>;

/** What a body says of thinking: `think`, else `reasoning_effort`, else its `chat_template_kwargs`; null: nothing. */
export function thinkingOf(body: Fields): Thinking | null {
  const { think, reasoning_effort: level, chat_template_kwargs: kwargs } = body;
  if (isThinking(think)) return think;
  if (typeof level === 'string') return level === 'none' ? false : level;
  return isRecord(kwargs) ? thinkingOfKwargs(kwargs) : null;
}

function thinkingOfKwargs(kwargs: Fields): Thinking | null {
  const { [levelWord]: level, [budgetWord]: budget } = kwargs;
  const isOn = thinkingSwitches.map((name) => kwargs[name]).find((value) => typeof value === 'boolean');
  if (isOn === false) return false;
  if (typeof budget === 'number') return budget;
  return typeof level === 'string' ? level : (isOn ?? null);
}

/** Keys of servers for the tokens that a model may think. */
const budgetKeys = ['thinking_token_budget', 'thinking_budget_tokens'];

/** Says whether a body has a word of its own on thinking, so that `--think` says nothing to it. */
export const saysHowToThink = (body: Fields): boolean =>
  thinkingOf(body) !== null || budgetKeys.some((key) => typeof body[key] === 'number');
