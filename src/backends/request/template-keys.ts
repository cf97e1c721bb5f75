import { type RequestBody, isSystem } from '../../core/request.ts';
import { type Thinking, budgetWord, efforts, levelWord, thinkingOf, thinkingWords } from '../../core/thinking.ts';
import { shorten } from '../../text/format.ts';
import { answerFormatOf } from './body-rules.ts';
import { templateFlag } from './no-chat-template.ts';
import { refuse } from './refuse.ts';
import type { TemplateFacts } from './template-facts.ts';

/** A template, and what its engine makes of thoughts. */
export interface ThinkingEngine {
  /** Name of the engine for messages. */
  engine: string;
  template: TemplateFacts;
  /** Names of templates that may be the model's, and have a place for a system message. */
  fitting: readonly string[];
  /** The engine's own key for the most tokens of a thought, or why it can't hold a model to a number, as the end of a sentence. */
  budget: { key: string } | { problem: string };
  /** What to do for thoughts before an answer that is held to a schema, as the end of a sentence; null: there is room for them. */
  schemaAdvice: string | null;
}

type Kwargs = Record<string, unknown>;

/**
 * The body with what it says of thinking in the words of the model's template, in `chat_template_kwargs`. Throws, by name,
 * where the template or the engine can't do it, and where the template has no place for a system message.
 */
export function withTemplateKeys(body: RequestBody, { fitting, ...thinking }: ThinkingEngine): RequestBody {
  const { systemProblem } = thinking.template;
  if (systemProblem !== null && body.messages?.some(isSystem) === true) throw noSystem(systemProblem, fitting);
  const asked = thinkingOf(body);
  if (asked === null || body.messages === undefined) return body;
  const { think: _think, reasoning_effort: _effort, chat_template_kwargs: kwargs, ...others } = body;
  if (typeof asked === 'string' && !efforts.includes(asked))
    throw refuse('bad-request', `\`reasoning_effort\` is ${shorten(asked)}: it is one of ${efforts.join(', ')}.`);
  const problem = problemOf(asked, thinking, body);
  if (problem !== null) throw refuse('bad-request', `${thinking.engine} can't honour ${nameOf(asked)}: ${problem}.`);
  const words = wordsFor(asked, thinking);
  const rest = Object.entries((kwargs ?? {}) as Kwargs).filter(([name]) => !thinkingWords.has(name));
  return { ...others, ...words.body, chat_template_kwargs: { ...Object.fromEntries(rest), ...words.kwargs } };
}

function noSystem(problem: string, fitting: readonly string[]): Error {
  const way = `put its text into the prompt, or give a template that has a place for it with ${templateFlag(fitting)}`;
  return refuse('bad-request', `The model's chat template takes no system message (${problem}): ${way}.`);
}

type Engine = Omit<ThinkingEngine, 'fitting'>;

/** Why it can't be done, as the end of a sentence; null: it can. */
function problemOf(asked: Thinking, thinking: Engine, body: RequestBody): string | null {
  const { template, budget, schemaAdvice } = thinking;
  if (asked === false) return endlessProblem(template);
  if (knowsNothing(template)) return 'the template of the model knows nothing of thinking';
  if (typeof asked === 'number' && !template.hasBudget && 'problem' in budget) return budget.problem;
  if (typeof asked === 'string' && !template.hasLevels)
    return 'the template of the model knows no levels, only on and off';
  return schemaAdvice !== null && isHeld(body)
    ? `a schema is enforced from the first token of the answer, and leaves no room for thinking: ${schemaAdvice}`
    : null;
}

function endlessProblem({ switchWord, hasLevels, thoughts }: TemplateFacts): string | null {
  if (switchWord !== null) return null;
  if (thoughts === 'opened') return 'the template of the model begins every answer with a thought, and has no switch';
  return hasLevels ? 'the template of the model knows low, medium and high alone' : null;
}

const knowsNothing = ({ switchWord, hasLevels, hasBudget, thoughts }: TemplateFacts): boolean =>
  switchWord === null && !hasLevels && !hasBudget && thoughts === 'unknown';

/** Keys for the template, and for the engine. */
function wordsFor(asked: Thinking, { template, budget }: Engine): { kwargs: Kwargs; body: Kwargs } {
  const { switchWord, hasBudget } = template;
  const kwargs: Kwargs = switchWord === null ? {} : { [switchWord]: asked !== false };
  if (typeof asked === 'string') kwargs[levelWord] = asked;
  if (typeof asked === 'number' && hasBudget) kwargs[budgetWord] = asked;
  const isOurs = typeof asked === 'number' && !hasBudget && 'key' in budget;
  return { kwargs, body: isOurs ? { [budget.key]: asked } : {} };
}

const nameOf = (asked: Thinking): string =>
  `\`think\`: ${JSON.stringify(asked)} (--think ${asked === false ? 'off' : asked === true ? 'on' : asked})`;

const isHeld = (body: RequestBody): boolean =>
  answerFormatOf(body).type !== 'text' || (body['structured_outputs'] ?? null) !== null;
