import type { Failure } from '../../../core/completion.ts';
import type { BatchRequest, ChatMessage, RequestBody } from '../../../core/request.ts';
import { lastTurnOf } from '../../request/last-turn.ts';
import { refuse } from '../../request/refuse.ts';
import type { TokenCheck } from './control-tokens.ts';
import type { TellThinking } from './thinking-keys.ts';
import { refuseDropped } from './dropped-keys.ts';
import type { ServerFacts } from '../server/server-facts.ts';
import type { ServerTokenizer } from '../server/server-tokenizer.ts';

/** The body that is sent, or the failure of a request of which the server would make something else than it means. */
export type PrepareBody = (request: BatchRequest, signal: AbortSignal) => Promise<RequestBody | Failure>;

export function createPreparation(
  facts: ServerFacts,
  {
    tokenize,
    checkTokens,
    tellThinking,
  }: { tokenize: ServerTokenizer; checkTokens: TokenCheck | null; tellThinking: TellThinking },
): PrepareBody {
  return async ({ endpoint, body: given }, signal) => {
    refuseDropped(given, facts);
    const body = await tellThinking(given, signal);
    // A completion is raw by contract: control tokens are what they are.
    if (endpoint === '/v1/completions') return withoutSecondBos(body, tokenize, signal);
    const found = await checkTokens?.(body, signal);
    if (found) return found;
    return endpoint === '/v1/chat/completions' ? { ...body, ...toolKeys(body), ...lastTurnKeys(body, facts) } : body;
  };
}

export const isFailure = (prepared: RequestBody | Failure): prepared is Failure => prepared['status'] === 'failed';

/** Matches what may be the token that begins every prompt. */
const opening = /^(?:<[^<>\s]{1,60}>|\[[^[\]\s]{1,60}\])/u;

/** A prompt that is written out may begin with the token that the server puts before each. */
async function withoutSecondBos(
  body: RequestBody,
  tokenize: ServerTokenizer,
  signal: AbortSignal,
): Promise<RequestBody> {
  const { prompt = '' } = body;
  const [first] = opening.exec(prompt) ?? [];
  if (first === undefined || body['add_special_tokens'] === false) return body;
  const tokens = await tokenize(first, true, signal);
  const isTwice = tokens?.length === 2 && tokens[0] === tokens[1];
  return isTwice ? { ...body, prompt: prompt.slice(first.length) } : body;
}

/** An empty list of tools says nothing. OpenAI and `vllm serve` refuse it, and a choice beside it. */
function toolKeys({ tools, tool_choice: choice }: RequestBody): Record<string, unknown> {
  if (!Array.isArray(tools) || tools.length > 0) return {};
  return { tools: undefined, ...(choice === 'auto' || choice === 'none' ? { tool_choice: undefined } : {}) };
}

/**
 * Keys that make the server continue a last assistant message. Throws where the server is not known to continue one.
 */
function lastTurnKeys(body: RequestBody, facts: ServerFacts): Record<string, unknown> {
  const { messages = [], continue_final_message: said } = body;
  if (messages.at(-1)?.role !== 'assistant' && said !== true) return {};
  if (facts.continues === 'unknown') return keysForUnknown(body, facts);
  const { continues } = lastTurnOf(body);
  if (continues) return { continue_final_message: true, add_generation_prompt: false };
  if (facts.continues === 'asked') return {};
  const what = `\`continue_final_message\`: false behind messages[${messages.length - 1}], an assistant's`;
  throw refuse('bad-request', `llama-server can't honour ${what}: put a user's message behind it.`);
}

function keysForUnknown(body: RequestBody, { kind }: ServerFacts): Record<string, unknown> {
  const { messages = [], continue_final_message: said } = body;
  // An OpenAI server knows no such key, and means this without it.
  if (said === false) return { continue_final_message: undefined };
  if (said === true || hasOwnWord(messages.at(-1))) return {};
  const way =
    kind === 'ollama' ? 'use -b ollama, which looks' : 'use `continue_final_message`: true where it does, else false';
  const what = `messages[${messages.length - 1}] has the role assistant, and it is unknown whether this server continues it`;
  throw refuse('bad-request', `${what}: ${way}.`);
}

/** Says whether the message has a vendor's own key for this: `prefix` (DeepSeek, Mistral) or `partial` (Kimi, Qwen). */
const hasOwnWord = (last: ChatMessage | undefined): boolean => last?.['prefix'] === true || last?.['partial'] === true;
