import { type Message, answerTo } from '../fake-ollama/answer.ts';
import { tokenize } from '../fake-ollama/vocabulary.ts';
import { renderChat } from '../fake-ollama/prompt.ts';
import { type JsonObject, isObject, textIn } from '../fake-ollama/json.ts';

export interface Spoken {
  pieces: string[];
  finishReason: string;
  usage: JsonObject;
}

/** What the model says to a body, a token a piece. */
export function speak(body: JsonObject, { window }: { window: number }): Spoken {
  const isChat = Array.isArray(body['messages']);
  const messages = isChat
    ? readMessages(body['messages'] as JsonObject[])
    : [{ role: 'user', content: textIn(body['prompt']) }];
  const prompt = tokenize(isChat ? renderChat(messages, false) : textIn(body['prompt'])).length;
  const all = answerTo(messages, formatOf(body)).match(/.{1,3}/gsu) ?? [];
  const asked = Number(body['max_completion_tokens'] ?? body['max_tokens'] ?? window);
  // Where the prompt itself does not fit, the server says so, or cuts it.
  const limit = prompt < window ? Math.min(asked, window - prompt) : asked;
  const pieces = all.slice(0, limit);
  const isCut = all.length >= limit;
  // The token that ends an answer counts.
  const completion = pieces.length + Number(!isCut);
  return {
    pieces,
    finishReason: isCut ? 'length' : 'stop',
    usage: {
      prompt_tokens: prompt,
      total_tokens: prompt + completion,
      completion_tokens: completion,
      prompt_tokens_details: null,
    },
  };
}

const readMessages = (messages: JsonObject[]): Message[] =>
  messages.map(({ role, content }) => ({ role: textIn(role), content: textIn(content) }));

function formatOf(body: JsonObject): unknown {
  const format = body['response_format'];
  return isObject(format) && isObject(format['json_schema']) ? format['json_schema']['schema'] : undefined;
}
