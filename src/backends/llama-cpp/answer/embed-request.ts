import type { LlamaEmbeddingContext } from 'node-llama-cpp';
import { type Rule, anything, checkKeys, only } from '../../request/body-rules.ts';
import { refuse, sentenceOf } from '../../request/refuse.ts';
import type { LoadedEngine } from '../load-engine.ts';
import type { EngineSettings } from '../options.ts';
import { type AnswerRequest, failureOf } from './answer-request.ts';
import { checkPromptText, checkPromptTokens } from './prompt-length.ts';

const rules: Readonly<Record<string, Rule>> = { model: anything, user: anything, encoding_format: only('float') };

/** Answers requests on a model that makes embeddings, text by text: the engine works on one at a time. */
export function createEmbedRequest(
  { model, info, lastLog }: LoadedEngine,
  embedder: LlamaEmbeddingContext,
  settings: EngineSettings,
): AnswerRequest {
  const embed = async (text: string): Promise<number[]> => {
    try {
      return unitVector((await embedder.getEmbeddingFor(text)).vector);
    } catch (error) {
      throw refuse('server-error', `The evaluation failed: ${sentenceOf(error)}${lastLog()}`);
    }
  };

  const lengthOf = (text: string): number => {
    checkPromptText(text, { model, maxTokens: 0, limits: info });
    const tokens = embedder.calculateInputLength(text);
    if (tokens > info.contextTokens) checkPromptTokens(tokens, 0, info);
    return tokens;
  };

  const answer: AnswerRequest = async ({ id, endpoint, body }, { signal, onActivity, onPrompt }) => {
    if (endpoint !== '/v1/embeddings')
      throw refuse('bad-request', 'The model makes embeddings, no text: send `input` to /v1/embeddings.');
    checkKeys(body, 'input', { backend: 'llama-cpp', rules });
    const texts = [body.input ?? []].flat();
    const lengths = texts.map(lengthOf);
    const data = [];
    for (const [index, text] of texts.entries()) {
      signal.throwIfAborted();
      data.push({ object: 'embedding', index, embedding: await embed(text) });
      onActivity();
      onPrompt?.(lengths[index] ?? 0, 0);
    }
    const tokens = lengths.reduce((sum, length) => sum + length, 0);
    const usage = { prompt_tokens: tokens, completion_tokens: 0, total_tokens: tokens };
    const created = Math.floor(Date.now() / 1000);
    return {
      status: 'completed',
      body: { id: `embd-${id}`, object: 'list', created, model: settings.model, data, usage },
    };
  };

  return (task, context) => answer(task, context).catch((error: unknown) => failureOf(error, context.signal));
}

/** Scaled to length 1, as the servers of llama.cpp and Ollama give it. */
function unitVector(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector);
  return length === 0 ? [...vector] : vector.map((value) => value / length);
}
