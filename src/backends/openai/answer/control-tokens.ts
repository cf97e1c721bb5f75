import type { Failure } from '../../../core/completion.ts';
import type { RequestBody } from '../../../core/request.ts';
import { createControlTokens, templateTokens } from '../../request/control-tokens.ts';
import { type PromptText, controlTokenFailure, promptTexts } from '../../request/prompt-texts.ts';
import type { ServerTokenizer } from '../server/server-tokenizer.ts';

/**
 * Control tokens that models use for turns, documents and tools, since such a server does not list them: ChatML, Llama,
 * Phi, GLM, gpt-oss (`<|...|>`), DeepSeek (`<｜...｜>`), Gemma, Mistral, Llama 2, EXAONE, Cohere, Seed, InternLM,
 * MiniMax, Kimi, StarCoder, and what Baichuan, Nemotron, Gemma and T5 number. Both `vllm serve` and `llama-server` read
 * them in a message's text as their tokenizer does.
 */
const markup = new RegExp(
  [
    String.raw`<[|｜][^<>|｜\s]{1,60}[|｜]?>|<[^<>|｜\s]{1,60}[|｜]>`,
    String.raw`<\/?s>|<<\/?SYS>>|<\/?(?:start|end)_of_[a-z]+>|<seed:[a-z_:]+>`,
    '<(?:bos|eos|pad|unk|BOS_TOKEN|EOS_TOKEN|sop|eop|eoh|eoa|eom|eod|fim_[a-z]+|file_sep|repo_name)>',
    String.raw`<(?:reserved|unused|extra_id|SPECIAL|TOKENS_UNUSED)_?\d+>|\[UNUSED_TOKEN_\d+\]`,
    String.raw`\[\/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_[A-Z]+|IMG(?:_[A-Z]+)?|THINK|ARGS|CALL_ID|MODEL_SETTINGS)\]`,
    String.raw`\[(?:CLS|SEP|BOS|EOS|EOT|gMASK|sMASK)\]|\[\|[a-z_]+\|\]|\]~!?b[[\]]|\[e~\[`,
  ].join('|'),
  'gu',
);

/** The failure of a request whose text the server would read as a control token; null where there is none. */
export type TokenCheck = (body: RequestBody, signal: AbortSignal) => Promise<Failure | null>;

/**
 * Makes the check for a model. `template` is the model's own, where the server tells it. Where the server shows its
 * tokens, it is asked whether a suspect is one.
 */
export function createTokenCheck(template: string, tokenize: ServerTokenizer): TokenCheck {
  const { find } = createControlTokens(templateTokens(template));

  const tokenIn = async ({ text }: PromptText, signal: AbortSignal): Promise<string | null> => {
    const found = find(text);
    if (found !== null) return found;
    for (const [candidate] of text.matchAll(markup)) {
      const tokens = await tokenize(candidate, false, signal);
      if (tokens === null || tokens.length === 1) return candidate;
    }
    return null;
  };

  return async (body, signal) => {
    for (const text of promptTexts(body)) {
      const token = await tokenIn(text, signal);
      if (token !== null) return controlTokenFailure(text, token, 'which looks like a control token of a model');
    }
    return null;
  };
}
