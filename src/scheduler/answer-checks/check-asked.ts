import { type Choice, type ResponseBody, choiceText } from '../../core/completion.ts';
import { formatInteger, shorten } from '../../text/format.ts';
import { isRecord } from '../../data/is-record.ts';
import { type BatchRequest, type RequestBody, maxTokensOf, textOf } from '../../core/request.ts';
import { thinkingOf } from '../../core/thinking.ts';
import { type Problem, notHonoured, callsOf, thoughtOf } from './answer-parts.ts';
import { withoutThinking } from './thinking.ts';

/** Did the engine do what the keys of the request ask for? Servers drop what they do not know without a word. */
export function askedProblem(answer: ResponseBody, { endpoint, body }: BatchRequest): Problem | null {
  if (endpoint === '/v1/embeddings') return embeddingProblem(answer, body);
  return countProblem(answer, body) ?? choicesProblem(answer, body) ?? lengthProblem(answer, body);
}

/** Did the model think where a chat asks it not to? It comes before all else: what else is wrong may be the fault of that. */
export function thinkingProblem({ choices = [] }: ResponseBody, body: RequestBody): Problem | null {
  if (body.messages === undefined || thinkingOf(body) !== false) return null;
  const choice = choices.find((said) => hasThought(said, body));
  return choice === undefined ? null : notHonoured(thoughtMessage, choice);
}

const thoughtMessage =
  'the answer has thinking although it is turned off (--think off); the model wrote it, or the server marked it as thinking: let it think (--think on, --think low), or use another model';

function hasThought(choice: Choice, { messages = [] }: RequestBody): boolean {
  if (thoughtOf(choice) !== '') return true;
  const { thinking } = withoutThinking(choiceText(choice));
  if (thinking === null || thinking.text === '') return false;
  // A prompt that names the mark wants it in the answer.
  return !messages.some(({ content }) => textOf(content ?? null).includes(thinking.mark));
}

/** The text that an echo puts before the answer: the prompt, where it is there. */
export function echoOf(choice: Choice, { echo, prompt }: RequestBody): string {
  const isThere = echo === true && typeof prompt === 'string' && (choice.text ?? '').startsWith(prompt);
  return isThere ? prompt : '';
}

const numberIn = (value: unknown): number | null => (typeof value === 'number' ? value : null);

function countProblem({ choices = [] }: ResponseBody, { n }: RequestBody): Problem | null {
  const wanted = numberIn(n) ?? 1;
  if (choices.length >= wanted) return null;
  return notHonoured(`\`n\` asks for ${wanted} answers, and the engine gave ${choices.length}`);
}

function choicesProblem(answer: ResponseBody, body: RequestBody): Problem | null {
  for (const choice of answer.choices ?? []) {
    const message =
      echoProblem(choice, body) ??
      stopProblem(choice, body) ??
      logprobsProblem(choice, body) ??
      promptLogprobsProblem(choice, answer, body);
    if (message !== null) return notHonoured(message, choice);
  }
  return null;
}

const bare = (words: string): string => words.normalize('NFKC').replaceAll(/\s+/g, '');

/** A tokenizer may give the prompt back with other blanks. */
function echoProblem({ text }: Choice, { echo, prompt }: RequestBody): string | null {
  if (echo !== true || text === undefined || typeof prompt !== 'string' || text.startsWith(prompt)) return null;
  return bare(text).startsWith(bare(prompt))
    ? null
    : '`echo` asks for the prompt before the answer, and it is not there';
}

/** `min_tokens` and `ignore_eos` let an answer run over a stop, and some engines are asked to write it out. */
function stopProblem(choice: Choice, body: RequestBody): string | null {
  const { stop, include_stop_str_in_output: isWritten, min_tokens: least, ignore_eos: runsOn, echo } = body;
  if (stop === undefined || stop === null || isWritten === true || runsOn === true || echo === true || least)
    return null;
  const text = choiceText(choice);
  const met = [stop].flat().find((end) => typeof end === 'string' && end !== '' && text.includes(end));
  return met === undefined ? null : `\`stop\` ends an answer before ${shorten(met)}, but the answer continues after it`;
}

function logprobsProblem(choice: Choice, { logprobs, top_logprobs: tops }: RequestBody): string | null {
  const hasText = choiceText(choice) !== '' && callsOf(choice).length === 0;
  if (!hasText || !(logprobs === true || Number(logprobs) > 0)) return null;
  if (!hasLogprobs(choice['logprobs']))
    return '`logprobs` asks for the log probabilities of the tokens, and they are not there';
  return Number(tops) > 0 && !hasTops(choice['logprobs'])
    ? '`top_logprobs` asks for the likeliest tokens at each place, and they are not there'
    : null;
}

function promptLogprobsProblem(
  choice: Choice,
  answer: ResponseBody,
  { prompt_logprobs: ofPrompt }: RequestBody,
): string | null {
  if (typeof ofPrompt !== 'number' || Array.isArray(answer['prompt_logprobs'] ?? choice['prompt_logprobs']))
    return null;
  return '`prompt_logprobs` asks for the log probabilities of the prompt, and they are not there';
}

const hasLogprobs = (value: unknown): boolean =>
  isRecord(value) && Object.values(value).some((list) => Array.isArray(list) && list.length > 0);

const hasTops = (value: unknown): boolean =>
  isRecord(value) &&
  Array.isArray(value['content']) &&
  value['content'].some((token) => isRecord(token) && hasLogprobs({ tops: token['top_logprobs'] }));

/** Speculation overshoots by a few tokens, and servers differ in what they count. */
const tolerated = { share: 1.5, tokens: 16 };

function lengthProblem({ usage, choices = [] }: ResponseBody, body: RequestBody): Problem | null {
  // The count is that of all choices together, also of those that `best_of` drops.
  if (usage === undefined || choices.length !== 1 || typeof body['best_of'] === 'number') return null;
  const { completion_tokens: tokens } = usage;
  const most = maxTokensOf(body);
  const least = numberIn(body['min_tokens']);
  if (most !== null && tokens - thoughtTokens(usage) > most * tolerated.share + tolerated.tokens)
    return notHonoured(
      `\`max_tokens\` allows ${formatInteger(most)} tokens, and the answer has ${formatInteger(tokens)}`,
    );
  if (least !== null && tokens < least)
    return notHonoured(
      `\`min_tokens\` asks for ${formatInteger(least)} tokens, and the answer has ${formatInteger(tokens)}`,
    );
  return null;
}

/** Some servers count what was thought beside the limit. */
function thoughtTokens(usage: object): number {
  const details: unknown = 'completion_tokens_details' in usage ? usage.completion_tokens_details : null;
  return isRecord(details) ? (numberIn(details['reasoning_tokens']) ?? 0) : 0;
}

function embeddingProblem(
  { data = [] }: ResponseBody,
  { dimensions, encoding_format: encoding }: RequestBody,
): Problem | null {
  for (const row of data) {
    const vector = isRecord(row) ? row['embedding'] : undefined;
    if (!Array.isArray(vector)) continue;
    if (vector.length === 0) return { kind: 'empty', message: 'the embedding has no numbers' };
    if (typeof dimensions === 'number' && vector.length !== dimensions)
      return notHonoured(`\`dimensions\` asks for ${dimensions} numbers, and the embedding has ${vector.length}`);
    if (encoding === 'base64') return notHonoured('`encoding_format` asks for base64, and the embedding is a list');
  }
  return null;
}
