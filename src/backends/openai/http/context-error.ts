import { promptTooLong } from '../../request/window-texts.ts';
import { type Failure, failure } from '../../../core/completion.ts';

/**
 * A refusal because prompt, or prompt and answer, do not fit the context window; null for any other text. The counts are
 * those of the server, as each server words them: vLLM, llama-server, OpenAI, SGLang, TGI, LM Studio, Ollama's /v1.
 */
export function contextError(text: string, details: Record<string, unknown>): Failure | null {
  const isNamed = [details['code'], details['type']].some((name) => typeof name === 'string' && contextCodes.has(name));
  if (!isNamed && !contextText.test(text)) return null;
  const prompt = numberOf(details['n_prompt_tokens']) ?? numberIn(text, promptCounts);
  const window = numberOf(details['n_ctx']) ?? numberIn(text, windowCounts);
  if (prompt === null || window === null) return failure('context-too-long', `The server says: ${sentence(text)}`);
  return failure('context-too-long', describe(prompt, window, /at least \d/.test(text)));
}

const contextCodes = new Set(['context_length_exceeded', 'exceed_context_size_error']);

const contextText =
  /(maximum|available|model's|allowed) context (length|size|window)|longer than the (maximum model|context) length|maximum model length|context length (is only|of only|exceeded)|prompt is too long|`inputs` (must have|tokens \+)|context the overflows|input tokens exceed|exceeds? the context/i;

/** The first that matches; of a request that counts its answer in, the prompt alone. */
const promptCounts = [
  /\(([\d,]+) (?:tokens )?(?:in|from) the (?:messages|prompt|input)/i,
  /contains? (?:at least )?([\d,]+) (?:input )?tokens/i,
  /(?:resulted in|has|passed|have) (?:at least )?([\d,]+) (?:input )?tokens/i,
  /(?:request|input) \(([\d,]+) tokens\)/i,
  /prompt \(length ([\d,]+)\)/i,
  /too long: ([\d,]+) tokens/i,
  /given: ([\d,]+)/i,
  /([\d,]+) input tokens/i,
  /requested (?:about |a total of )?([\d,]+) (?:output )?tokens/i,
];

const windowCounts = [
  /context length is (?:only )?([\d,]+)/i,
  /context (?:length|size|window) (?:of (?:only )?)?\(?([\d,]+)/i,
  /maximum model length of ([\d,]+)/i,
  /limit of ([\d,]+) tokens/i,
  /must (?:be <=|have less than) ([\d,]+)/i,
  /> ([\d,]+) maximum/i,
];

function numberIn(text: string, patterns: readonly RegExp[]): number | null {
  for (const pattern of patterns) {
    const [, digits] = pattern.exec(text) ?? [];
    if (digits !== undefined) return Number(digits.replaceAll(',', ''));
  }
  return null;
}

const numberOf = (value: unknown): number | null => (typeof value === 'number' ? value : null);

function describe(prompt: number, window: number, isAtLeast: boolean): string {
  const fits = prompt < window && !isAtLeast;
  const advice = fits ? 'lower max_tokens' : 'shorten the prompt, or start the server with a larger window';
  return promptTooLong({
    promptTokens: prompt,
    ...(isAtLeast ? { precision: 'at least' } : {}),
    contextTokens: window,
    advice,
  });
}

const sentence = (text: string): string => `${text.trim().slice(0, 500).replace(/\.+$/, '')}.`;
