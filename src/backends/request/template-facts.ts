import { budgetWord, levelWord, thinkingSwitches } from '../../core/thinking.ts';
import type { ChatMessage } from '../../core/request.ts';

/** A chat that a template is tried with when the model is loaded, and the keys that it is given beside the messages. */
export interface TemplateTrial {
  messages: ChatMessage[];
  kwargs: Record<string, unknown>;
}

/** What a template made of each trial, by the trial's name: a prompt, or the reason why there is none. */
export type TrialOutcomes = Readonly<Record<string, { text: string } | { problem: string }>>;

/** What a chat template can do, as its prompts show: a key that changes no prompt is none of its words. */
export interface TemplateFacts {
  /** Why a chat can't begin with a system message; null: it can, or it isn't known. */
  systemProblem: string | null;
  /** Its key that switches thinking on and off; null: it has none. */
  switchWord: string | null;
  hasLevels: boolean;
  hasBudget: boolean;
  /** It begins every answer with a thought, or it takes the thoughts out of earlier answers. */
  thoughts: 'opened' | 'known' | 'unknown';
}

const question: ChatMessage = { role: 'user', content: 'Is this a question?' };
const systemText = 'These are the instructions.';
const [thought, said] = ['Let me see.', 'It is one.'];
const history: ChatMessage[] = [
  question,
  { role: 'assistant', content: `<think>\n${thought}\n</think>\n\n${said}` },
  question,
];

const withKwargs = (kwargs: Record<string, unknown>): TemplateTrial => ({ messages: [question], kwargs });
const trialsOf = (word: string, ...values: unknown[]): [string, TemplateTrial][] =>
  values.map((value) => [`${word}=${String(value)}`, withKwargs({ [word]: value })]);

export const templateTrials: Readonly<Record<string, TemplateTrial>> = {
  plain: withKwargs({}),
  system: { messages: [{ role: 'system', content: systemText }, question], kwargs: {} },
  history: { messages: history, kwargs: {} },
  ...Object.fromEntries(thinkingSwitches.flatMap((word) => trialsOf(word, true, false))),
  ...Object.fromEntries(trialsOf(levelWord, 'low', 'high')),
  ...Object.fromEntries(trialsOf(budgetWord, 512, 4096)),
};

/** Tries a template. `render` makes the prompt of a trial, and throws where there is none. */
export function tryTemplate(render: (trial: TemplateTrial) => string): TrialOutcomes {
  const outcomes = Object.entries(templateTrials).map(([name, trial]) => [name, outcomeOf(() => render(trial))]);
  return Object.fromEntries(outcomes) as TrialOutcomes;
}

function outcomeOf(render: () => string): TrialOutcomes[string] {
  try {
    return { text: render() };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

/** The start of a thought at the end of a prompt, in the words of the models that think. */
const opened = /(?:<(?:think|thinking|thought|reasoning|seed:think)>|\[THINK\]|<\|START_THINKING\|>|◁think▷)\s*$/i;

export function templateFacts(outcomes: TrialOutcomes): TemplateFacts {
  const textOf = (name: string): string | null => {
    const outcome = outcomes[name];
    return outcome !== undefined && 'text' in outcome ? outcome.text : null;
  };
  const differs = (word: string, [left, right]: readonly unknown[]): boolean => {
    const texts = [left, right].map((value) => textOf(`${word}=${String(value)}`));
    return texts.every((text) => text !== null) && texts[0] !== texts[1];
  };
  const plain = textOf('plain');
  const past = textOf('history') ?? '';
  return {
    systemProblem: plain === null ? null : systemProblem(outcomes['system']),
    switchWord: thinkingSwitches.find((word) => differs(word, [true, false])) ?? null,
    hasLevels: differs(levelWord, ['low', 'high']),
    hasBudget: differs(budgetWord, [512, 4096]),
    thoughts: opened.test(plain ?? '')
      ? 'opened'
      : past.includes(said) && !past.includes(thought)
        ? 'known'
        : 'unknown',
  };
}

function systemProblem(outcome: TrialOutcomes[string] | undefined): string | null {
  if (outcome === undefined) return null;
  if ('problem' in outcome) return outcome.problem.replace(/\.+$/, '');
  return outcome.text.includes(systemText) ? null : 'it does not print one';
}
