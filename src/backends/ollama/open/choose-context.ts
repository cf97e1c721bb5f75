import type { PromptLengths } from '../../../core/backend.ts';
import { formatInteger } from '../../../text/format.ts';
import { type BatchRequest, maxTokensOf, textOf } from '../../../core/request.ts';

/** The context window of a run, fixed before its first request. */
export interface ContextChoice {
  contextTokens: number;
  /** Longest answer of a request that names none. */
  answerTokens: number;
  reason: string;
  /** A sentence about lines that will not fit. */
  warning: string | null;
}

export interface ContextFacts {
  /** `--option num_ctx`; null: chosen here. */
  asked: number | null;
  /** Tokens that a conversation may grow to; null for independent requests. */
  conversationTokens: number | null;
  trainedTokens: number | null;
  lengths: PromptLengths | null;
  /** Prompt tokens by the server's own count; before a model is loaded, an estimate that is rather too high. */
  count: (request: BatchRequest) => Promise<number | null>;
}

/** Tokens reserved for an answer whose request sets no limit. */
const usualAnswerTokens = 1024;
/** Context window in tokens while the input is still being read: Ollama's own default on most cards. */
const unknownInputTokens = 4096;
const stepTokens = 1024;
/** Lines that need far more memory than the others, and more than this, are not what a run is laid out for. */
const modestTokens = 8192;
const outlierFactor = 4;

export async function chooseContext(facts: ContextFacts): Promise<ContextChoice> {
  const { asked, conversationTokens, lengths } = facts;
  const trained = facts.trainedTokens ?? Infinity;
  if (asked !== null) {
    const isCapped = asked > trained;
    const warning = isCapped ? `the model was trained on ${formatInteger(trained)} tokens: it gets no more` : null;
    return { ...(await withAnswer(Math.min(asked, trained), facts)), reason: 'as asked for', warning };
  }
  if (conversationTokens !== null) {
    const contextTokens = Math.min(conversationTokens, trained);
    const reason = contextTokens < conversationTokens ? allTrained : 'for the conversation';
    // The trims keep an eighth of the window free (28,672 of 32,768).
    return { contextTokens, answerTokens: Math.ceil(contextTokens / 8), reason, warning: null };
  }
  if (lengths === null) {
    const contextTokens = Math.min(unknownInputTokens, trained);
    const reason = 'the input is still being read; --option num_ctx= sets another';
    return { ...(await withAnswer(contextTokens, facts)), reason, warning: null };
  }
  return fitInput(lengths, trained, facts);
}

async function fitInput(lengths: PromptLengths, trained: number, facts: ContextFacts): Promise<ContextChoice> {
  const all = Math.max(...(await Promise.all(lengths.longest.map((request) => neededTokens(request, facts)))));
  const usual = await neededTokens(lengths.usual, facts);
  const most = Math.max(modestTokens, outlierFactor * usual);
  const hasOutliers = Math.min(all, trained) > most;
  const contextTokens = Math.min(roundUp(hasOutliers ? most : all), trained);
  const isAllRead = ![...lengths.longest, lengths.usual].some(hasAnswer);
  const fits = isAllRead ? inputsFit(all > trained) : all > trained ? overTrained(all) : allFit;
  const why = hasOutliers ? outliers(Math.min(roundUp(all), trained)) : fits;
  return { ...(await withAnswer(contextTokens, facts)), ...why };
}

/** Does the model write for a request? For an embedding it only reads. */
export const hasAnswer = ({ endpoint }: BatchRequest): boolean => endpoint !== '/v1/embeddings';

type Why = Pick<ContextChoice, 'reason' | 'warning'>;

const allFit: Why = { reason: 'for the longest prompt and its answer', warning: null };

/** Bytes tell too little of the tokens of an input to warn of it. */
const inputsFit = (isOverTrained: boolean): Why => ({
  reason: isOverTrained ? allTrained : 'for the longest input',
  warning: null,
});

const outliers = (all: number): Why => ({
  reason: 'for all but a few lines',
  warning: `a few lines are far longer than the others, and will fail as context-too-long; --option num_ctx=${all} takes them too, for more memory`,
});

const allTrained = 'all that the model was trained on';

const overTrained = (all: number): Why => ({
  reason: allTrained,
  warning: `the longest prompt and its answer need ${formatInteger(all)} tokens: what does not fit fails as context-too-long or truncated`,
});

async function neededTokens(request: BatchRequest, { count }: ContextFacts): Promise<number> {
  if (!hasAnswer(request)) return neededForInputs(request);
  const tokens = (await count(request)) ?? estimateTokens(request);
  return tokens + (maxTokensOf(request.body) ?? usualAnswerTokens);
}

/** Each input goes through the model alone. One of a shorter line may be longer than all of a list: there is room for it. */
function neededForInputs(request: BatchRequest): number {
  const inputs = [request.body.input ?? ''].flat();
  const each = inputs.map((input) => estimateTokens({ ...request, body: { ...request.body, input } }));
  return Math.max(Math.min(estimateTokens(request), modestTokens), ...each);
}

/** Rather too many than too few: most texts have four bytes a token, JSON has three, and each message its frame. */
export function estimateTokens({ body: { messages, prompt, input, tools } }: BatchRequest): number {
  const texts = messages?.map(({ content }) => textOf(content ?? null)) ?? [prompt ?? input ?? ''].flat();
  if (Array.isArray(tools)) texts.push(...tools.map((tool) => JSON.stringify(tool)));
  return Math.ceil(texts.reduce((bytes, text) => bytes + Buffer.byteLength(text), 0) / 3) + 16 * texts.length;
}

const roundUp = (tokens: number): number => Math.ceil(tokens / stepTokens) * stepTokens;

/** An answer without a limit of its own gets what the longest prompt that fits leaves of the window. */
async function withAnswer(
  contextTokens: number,
  { lengths, count }: ContextFacts,
): Promise<Pick<ContextChoice, 'contextTokens' | 'answerTokens'>> {
  const prompts = lengths === null ? [] : await Promise.all([...lengths.longest, lengths.usual].map(count));
  const maxPrompt = Math.max(0, ...prompts.map((tokens) => tokens ?? 0).filter((tokens) => tokens < contextTokens));
  return { contextTokens, answerTokens: Math.max(contextTokens - maxPrompt, Math.ceil(contextTokens / 8)) };
}
