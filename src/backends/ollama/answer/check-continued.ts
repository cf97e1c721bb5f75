import { refuse } from '../../request/refuse.ts';
import type { OllamaClient } from '../http/client.ts';
import type { ChatRequest } from '../http/wire.ts';

/**
 * The model's template decides whether a last assistant message is continued, or closed and answered anew: the server is
 * asked for the prompt that it would make. Refuses where that does not end in the message, by name.
 */
export async function checkContinued(
  client: Pick<OllamaClient, 'render'>,
  request: ChatRequest,
  signal: AbortSignal,
): Promise<void> {
  const begun = request.messages.at(-1)?.content ?? '';
  const where = `messages[${request.messages.length - 1}]`;
  if (begun === '') throw refuse('bad-request', `${where} is empty, there is nothing to continue: remove it.`);
  // A server too old to know the question would answer the request.
  const rendered = await client.render({ ...request, options: { ...request.options, num_predict: 1 } }, signal);
  if (rendered === null) {
    const message = `This Ollama server does not show how it continues ${where}, an assistant's`;
    throw refuse('bad-request', `${message}: update it (0.11.5 or newer), or remove the message.`);
  }
  if (rendered.endsWith(begun)) return;
  const message = `The model's template does not continue ${where}, an assistant's (\`continue_final_message\`)`;
  throw refuse('bad-request', `${message}: remove it, use another backend, or give the model a template that does.`);
}
