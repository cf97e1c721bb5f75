import type { Answer } from '../../core/completion.ts';
import type { BatchRequest } from '../../core/request.ts';
import { type LoadedModel, wireRequest } from './loaded-model.ts';
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
