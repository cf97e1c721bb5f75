import { type Answer, failure } from '../../../core/completion.ts';
import type { BatchRequest } from '../../../core/request.ts';
import { type LoadedModel, wireRequest } from '../model/loaded-model.ts';
import { readBody } from './read-body.ts';

export async function answerEmbedding(
  loaded: LoadedModel,
  request: BatchRequest,
  signal: AbortSignal,
): Promise<Answer> {
  const { body } = request;
  readBody(request, 'input');
  const dimensions = typeof body['dimensions'] === 'number' ? { dimensions: body['dimensions'] } : {};
  const answer = await loaded.client.embed({ ...wireRequest(loaded), input: body.input ?? '', ...dimensions }, signal);
  if (!isWhole(answer.embeddings, body.input)) {
    return failure('invalid-response', 'The server did not answer with an embedding for each input.');
  }
  const tokens = answer.prompt_eval_count ?? 0;
  return {
    status: 'completed',
    body: {
      id: `embd-${request.id}`,
      object: 'list',
      created: Math.floor(Date.now() / 1000),
      model: loaded.name,
      data: answer.embeddings.map((embedding, index) => ({ object: 'embedding', index, embedding })),
      usage: { prompt_tokens: tokens, completion_tokens: 0, total_tokens: tokens },
    },
  };
}

const isWhole = (embeddings: unknown, input: unknown): boolean =>
  Array.isArray(embeddings) &&
  embeddings.length === (Array.isArray(input) ? input.length : 1) &&
  embeddings.every((embedding) => Array.isArray(embedding) && embedding.length > 0);
