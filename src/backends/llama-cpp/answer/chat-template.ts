import { Template } from '@huggingface/jinja';
import type { LlamaModel } from 'node-llama-cpp';
import { fittingTemplates } from '../../../core/chat-templates/named-templates.ts';
import { UsageError } from '../../../core/errors.ts';
import { type ChatMessage, textOf } from '../../../core/request.ts';
import type { LastTurn } from '../../request/last-turn.ts';
import { refuse, sentenceOf } from '../../request/refuse.ts';
import { type TemplateFacts, templateFacts, tryTemplate } from '../../request/template-facts.ts';
import { chatTemplateOf, controlTexts } from '../model-texts.ts';
import type { EngineInfo, EngineSettings } from '../options.ts';
import { unusedCharacter } from './protect-texts.ts';

/** Writes the messages of a chat as the text of a prompt. `kwargs`: what else the template is given, by its own words. */
export type ChatRenderer = (messages: ChatMessage[], last: LastTurn, kwargs?: Record<string, unknown>) => string;

/** Tries a template of the user with one question, before the model is loaded. Throws where it prints none. */
export function tryChatTemplate(source: string): void {
  const question = 'Is this a chat?';
  try {
    const prompt = renderWith(
      new Template(source),
      {},
      { messages: [{ role: 'user', content: question }], generates: true },
    );
    if (!prompt.includes(question)) throw new Error("it does not print a user's message");
  } catch (error) {
    throw new UsageError(`--chat-template can't render a chat: ${sentenceOf(error)}`, wanted);
  }
}

const wanted = 'Use a Jinja template, like the one in the tokenizer_config.json of a model on Hugging Face.';

export function createRenderer({ tokens }: Pick<LlamaModel, 'tokens'>, source: string): ChatRenderer {
  let template: Template | null = null;
  const render = (chat: Chat): string => {
    try {
      template ??= new Template(source);
      return renderWith(template, tokens, chat);
    } catch (error) {
      throw refuse('bad-request', `The chat template can't render these messages: ${sentenceOf(error)}`);
    }
  };
  return (messages, { continues, generates }, kwargs = {}) =>
    continues
      ? renderOpen(messages, (marked) => render({ messages: marked, generates: false, kwargs }))
      : render({ messages, generates, kwargs });
}

/** Tries the template of the chats with all that is to be known of it. */
export function templateInfo(
  model: LlamaModel,
  settings: Pick<EngineSettings, 'chatTemplate'>,
): Pick<EngineInfo, 'template' | 'fittingTemplates'> {
  const source = chatTemplateOf(model, settings);
  const template = source === null ? null : factsOf(model, source);
  const isFitting = template !== null && template.systemProblem === null;
  return { template, fittingTemplates: isFitting ? [] : fittingTemplates(controlTexts(model)) };
}

function factsOf({ tokens }: LlamaModel, source: string): TemplateFacts {
  let template: Template | null = null;
  const outcomes = tryTemplate((trial) => {
    template ??= new Template(source);
    return renderWith(template, tokens, { ...trial, generates: true });
  });
  return templateFacts(outcomes);
}

interface Chat {
  messages: ChatMessage[];
  /** The prompt ends with the head of an answer. */
  generates: boolean;
  kwargs?: Record<string, unknown>;
}

function renderWith(
  template: Template,
  { bosString, eosString }: Partial<LlamaModel['tokens']>,
  { messages, generates, kwargs }: Chat,
): string {
  return template.render({
    ...kwargs,
    messages,
    add_generation_prompt: generates,
    bos_token: bosString ?? '',
    eos_token: eosString ?? '',
    // The key is null and not absent, as authors of templates expect it: `tools is not none` is a common test.
    tools: null,
    documents: null,
  });
}

/**
 * A mark behind the last message shows where its text ends: what the template adds there, to close the turn, is left
 * out.
 */
function renderOpen(messages: ChatMessage[], render: (messages: ChatMessage[]) => string): string {
  const begun = textOf(messages.at(-1)?.content ?? null);
  const end = unusedCharacter(messages);
  const rendered = render([...messages.slice(0, -1), { role: 'assistant', ...messages.at(-1), content: begun + end }]);
  const text = rendered.slice(0, Math.max(0, rendered.lastIndexOf(end)));
  if (text.endsWith(begun) && rendered.includes(end)) return text;
  const where = `messages[${messages.length - 1}]`;
  throw refuse(
    'bad-request',
    `The model's chat template does not write the text of ${where} unchanged, so the answer can't continue it: remove blanks at its ends and thinking from it, or set \`continue_final_message\`: false for a separate answer.`,
  );
}
