import { isRecord } from '../../../data/is-record.ts';
import { parsedOrText } from '../../http/json-text.ts';
import type { OpenaiClient } from '../http/client.ts';

/**
 * The tokens that a server makes of a text, `complete`: with what it puts around every prompt. Null from one that has no
 * such page: `vllm serve` and `llama-server` have it, beside OpenAI's API.
 */
export type ServerTokenizer = (text: string, complete: boolean, signal: AbortSignal) => Promise<number[] | null>;

/** Questions are few: what looks like a control token, each once. */
const maxKept = 1000;

export function createServerTokenizer(
  client: Pick<OpenaiClient, 'ask' | 'place'>,
  { model, isKnown }: { model: string; isKnown: boolean },
): ServerTokenizer {
  const kept = new Map<string, number[]>();
  return async (text, complete, signal) => {
    if (!isKnown) return null;
    const key = `${complete} ${text}`;
    const known = kept.get(key);
    if (known !== undefined) return known;
    // The first two words are vLLM's, the last three llama-server's.
    const question = { model, prompt: text, add_special_tokens: complete, content: text, add_special: complete };
    const page = `${client.place.root}/tokenize`;
    const { status, text: said } = await client.ask(page, { ...question, parse_special: true }, signal);
    const tokens = status === 200 ? tokensIn(parsedOrText(said)) : null;
    if (tokens === null) return null;
    if (kept.size >= maxKept) kept.clear();
    kept.set(key, tokens);
    return tokens;
  };
}

function tokensIn(body: unknown): number[] | null {
  const tokens = isRecord(body) ? body['tokens'] : null;
  return Array.isArray(tokens) && tokens.every((token) => typeof token === 'number') ? tokens : null;
}
