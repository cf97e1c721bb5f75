import type { BatchRequest } from '../../../core/request.ts';
import { refusedTokens } from '../http/classify-error.ts';
import { HttpFailure } from '../http/http.ts';
import { type LoadedModel, wireRequest } from '../model/loaded-model.ts';
import { readBody } from './read-body.ts';
import { readMessages } from './read-messages.ts';
import { rawPrompt } from './read-prompt.ts';
import { readStream } from './read-stream.ts';
import type { AnswerPart } from '../http/wire.ts';

/**
 * The tokens of a request's prompt: the server has no other way to count than to answer, so an answer of one token is
 * asked for. A prompt that is too long is counted by the refusal. Null where the request can't be sent.
 */
export async function countPrompt(
  loaded: Pick<LoadedModel, 'client' | 'name' | 'facts' | 'runner' | 'keepAlive'>,
  request: BatchRequest,
  signal: AbortSignal,
): Promise<number | null> {
  if (request.endpoint === '/v1/embeddings') return null;
  try {
    const parts = await ask(loaded, request, signal);
    const { last } = await readStream(parts, { onActivity: () => {}, onFirstToken: () => {} });
    return last?.prompt_eval_count ?? null;
  } catch (error) {
    signal.throwIfAborted();
    return error instanceof HttpFailure ? refusedTokens(error) : null;
  }
}

function ask(
  loaded: Pick<LoadedModel, 'client' | 'name' | 'facts' | 'runner' | 'keepAlive'>,
  { body, endpoint }: BatchRequest,
  signal: AbortSignal,
): Promise<AsyncIterable<AnswerPart>> {
  const isChat = endpoint === '/v1/chat/completions';
  // Tools are a part of the prompt; all else that is asked for shapes the answer.
  const { think = false, tools } = readBody({ body }, isChat ? 'messages' : 'prompt').request;
  const wire = { ...wireRequest(loaded, { num_predict: 1 }), think, ...(tools === undefined ? {} : { tools }) };
  return isChat
    ? loaded.client.chat({ ...wire, messages: readMessages(body.messages ?? []) }, signal)
    : loaded.client.generate({ ...wire, prompt: rawPrompt(body, loaded.facts), raw: true }, signal);
}
