import { formatInteger } from '../../text/format.ts';

interface LongPrompt {
  promptTokens: number;
  /** A word before the count, such as `about` or `at least`; absent where the count is exact. */
  precision?: string;
  contextTokens: number;
  /** What the user can do about it, as the end of a sentence. */
  advice: string;
}

/** The message of every engine about a prompt that does not fit into its context window. */
export const promptTooLong = ({ promptTokens, precision, contextTokens, advice }: LongPrompt): string =>
  `The prompt has ${precision === undefined ? '' : `${precision} `}${formatInteger(promptTokens)} tokens, and the context window ${formatInteger(contextTokens)}: ${advice}.`;

interface CutAnswer {
  /** Size of the window that was full; null where the server does not tell it. */
  contextTokens: number | null;
  promptTokens: number;
  completionTokens: number;
  /** How the user gets a longer window, as the end of a sentence. It helps a long prompt, and no endless answer. */
  advice: string;
}

/** The message of every engine about an answer that ended where its context window was full. */
export function answerCut({ contextTokens, ...rest }: CutAnswer): string {
  const window = contextTokens === null ? '' : ` of ${formatInteger(contextTokens)}`;
  return cutSentence(`where the context window${window} was full`, rest);
}

/** The message about an answer that was cut at the place that `where` tells. */
export const cutSentence = (
  where: string,
  { promptTokens, completionTokens, advice }: Omit<CutAnswer, 'contextTokens'>,
): string =>
  `The answer was cut ${where}: ${promptTokens < completionTokens ? 'limit it with --max-tokens' : advice} (prompt ${formatInteger(promptTokens)}, answer ${formatInteger(completionTokens)} tokens).`;
