import { Template } from '@huggingface/jinja';
import type { LlamaModel } from 'node-llama-cpp';
import { type ChatMessage, textOf } from '../../../core/request.ts';
import type { LastTurn } from '../../request/last-turn.ts';
import { refuse, sentenceOf } from '../../request/refuse.ts';
import { unusedCharacter } from './protect-texts.ts';

/** Writes the messages of a chat as the text of a prompt. */
export type ChatRenderer = (messages: ChatMessage[], last: LastTurn) => string;

export function createRenderer({ tokens }: Pick<LlamaModel, 'tokens'>, source: string): ChatRenderer {
  let template: Template | null = null;
  const render = (messages: ChatMessage[], generates: boolean): string => {
    try {
      template ??= new Template(source);
      return template.render({
        messages,
        add_generation_prompt: generates,
        bos_token: tokens.bosString ?? '',
        eos_token: tokens.eosString ?? '',
        // The key is null and not absent, as authors of templates expect it: `tools is not none` is a common test.
        tools: null,
        documents: null,
      });
    } catch (error) {
      throw refuse('bad-request', `The model's chat template can't render these messages: ${sentenceOf(error)}`);
    }
  };
  return (messages, { continues, generates }) =>
    continues ? renderOpen(messages, (marked) => render(marked, false)) : render(messages, generates);
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
    `The model's chat template does not write the text of ${where} as it is, so that it can't be continued: take blanks off its ends and thoughts out of it, or say \`continue_final_message\`: false for an answer behind it.`,
  );
}
