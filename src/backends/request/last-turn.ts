import { type RequestBody, continuesLastMessage } from '../../core/request.ts';
import { refuse } from './refuse.ts';

/** Describes how the prompt of a chat ends. */
export interface LastTurn {
  /** The prompt ends in the text of the last message, which the answer continues. */
  continues: boolean;
  /**
   * The prompt ends with the head of a new answer. Where neither holds, it ends behind the last message, whose turn is
   * closed.
   */
  generates: boolean;
}

/** Reads `continue_final_message` and `add_generation_prompt`. Refuses what can't be continued, by name. */
export function lastTurnOf(body: RequestBody): LastTurn {
  const { messages = [], add_generation_prompt: opens } = body;
  if (!continuesLastMessage(body)) return { continues: false, generates: opens !== false };
  if (opens === true)
    throw refuse(
      'bad-request',
      '`continue_final_message` and `add_generation_prompt` are both true: remove one of them.',
    );
  const last = messages.at(-1);
  const calls = last?.['tool_calls'];
  const where = `messages[${messages.length - 1}]`;
  if (last?.role !== 'assistant') {
    const why = `${where} has the role ${JSON.stringify(last?.role)}, and only an assistant's message can be continued`;
    throw refuse('bad-request', `${why}: remove \`continue_final_message\`.`);
  }
  if (Array.isArray(calls) && calls.length > 0) {
    const way = 'put the result of the call behind it, or use `continue_final_message`: false';
    throw refuse('bad-request', `${where} ends in a tool call, which can't be continued: ${way}.`);
  }
  return { continues: true, generates: false };
}
