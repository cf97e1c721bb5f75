import { type Failure, type ResponseBody, failure } from '../../../core/completion.ts';
import { answerCut } from '../../request/window-texts.ts';
import { type BatchRequest, maxTokensOf } from '../../../core/request.ts';

/**
 * An answer that the context window cut, not the limit that the user set; null where neither the counts nor the window
 * show that. `vllm serve` ends it there without an error; a llama-server with a context shift goes on without the
 * prompt's beginning.
 */
export function cutByWindow(
  { usage, choices = [] }: ResponseBody,
  { body }: BatchRequest,
  contextTokens: number | null,
): Failure | null {
  // The counts are those of all choices together.
  if (usage === undefined || choices.length > 1) return null;
  const { prompt_tokens: prompt, completion_tokens: completion, total_tokens: total } = usage;
  const isFull = contextTokens !== null && total > contextTokens;
  if (
    !isFull &&
    !isShort(choices[0]?.finish_reason, { completion, maxTokens: maxTokensOf(body), total, contextTokens })
  )
    return null;
  const advice = 'shorten the prompt, or start the server with a larger one';
  return failure('truncated', answerCut({ contextTokens, promptTokens: prompt, completionTokens: completion, advice }));
}

interface Counts {
  completion: number;
  maxTokens: number | null;
  total: number;
  contextTokens: number | null;
}

/**
 * Says whether the answer was cut by max_tokens. Without max_tokens, a server may have a limit of its own: then only a
 * full window tells.
 */
function isShort(reason: string | undefined, { completion, maxTokens, total, contextTokens }: Counts): boolean {
  if (reason !== 'length' || (maxTokens !== null && completion >= maxTokens)) return false;
  return contextTokens === null ? maxTokens !== null : total >= contextTokens - 1;
}
