import { type ResponseBody, responseBody } from '../../core/completion.ts';
import { type BatchRequest, type RequestBody, systemPromptOf, textOf } from '../../core/request.ts';
import { type MockOptions, type MockFault, faultKind } from './options.ts';
import { countWords, firstWords, type PromptTokens } from './words.ts';

export interface MockAnswer {
  body: ResponseBody;
  completionTokens: number;
  /** False for embeddings, which have no first token. */
  streams: boolean;
}

interface Background {
  model: string;
  options: MockOptions;
  prompt: PromptTokens;
  /** Requests in flight: answers may depend on them. */
  workers: number;
}

/** The whole answer to a request: a text (chat and plain completions) or one vector for each input (embeddings). */
export function mockAnswer(request: BatchRequest, background: Background): MockAnswer {
  return request.endpoint === '/v1/embeddings' ? embeddings(request, background) : text(request, background);
}

/** The texts of a prompt, in the order that the engine would read them. */
export function countedTexts(body: RequestBody): string[] {
  if (body.messages !== undefined) return body.messages.map((message) => textOf(message.content));
  return body.prompt === undefined ? inputTexts(body) : [body.prompt];
}

const inputTexts = ({ input = [] }: RequestBody): string[] => (typeof input === 'string' ? [input] : input);

function embeddings({ id, body }: BatchRequest, { model, prompt }: Background): MockAnswer {
  const data = inputTexts(body).map((input, index) => ({ object: 'embedding', index, embedding: vectorOf(input) }));
  const usage = { prompt_tokens: prompt.tokens, completion_tokens: 0, total_tokens: prompt.tokens };
  const created = Math.floor(Date.now() / 1000);
  return {
    body: { id: `embd-${id}`, object: 'list', created, model, data, usage },
    completionTokens: 0,
    streams: false,
  };
}

/** Eight numbers from -1 to 1 that only the text decides. */
const vectorOf = (input: string): number[] =>
  Array.from({ length: 8 }, (_, index) => 2 * drawNumber(`${index} ${input}`) - 1);

function text(request: BatchRequest, { model, options, prompt, workers }: Background): MockAnswer {
  const whole = beforeStop(wholeText(request, options, workers), request.body['stop']);
  const wholeTokens = options.completion_tokens ?? countWords(whole);
  const limit = maxTokens(request.body);
  const isCut = wholeTokens > limit;
  const completionTokens = isCut ? limit : wholeTokens;
  const body = responseBody({
    id: request.id,
    model,
    chat: request.endpoint === '/v1/chat/completions',
    text: isCut ? firstWords(whole, limit) : whole,
    finishReason: isCut ? 'length' : 'stop',
    promptTokens: prompt.tokens,
    completionTokens,
    ...(options.report_cached ? { cachedTokens: prompt.cachedTokens } : {}),
  });
  return { body, completionTokens, streams: true };
}

function wholeText(
  { id, body }: BatchRequest,
  { answer, answers_change_at: changeAt }: MockOptions,
  workers: number,
): string {
  const isOther = changeAt > 0 && workers >= changeAt && drawNumber(`other ${id}`) < otherShare;
  if (answer === 'score') return scoreText(systemPromptOf(body), lastText(body), isOther ? otherScore : 0);
  const whole = plainText(body, answer);
  return isOther ? `${whole} or not` : whole;
}

/** Of the answers, with `answers_change_at`; and the points that are taken from a score. */
const otherShare = 0.25;
const otherScore = 15;

function plainText(body: RequestBody, answer: string): string {
  if (answer.startsWith('text:')) return answer.slice('text:'.length);
  const question = lastText(body);
  return answer === 'hash' ? hash53(question).toString(16).padStart(14, '0') : question;
}

function lastText(body: RequestBody): string {
  const asked = body.messages?.findLast((message) => message.role === 'user');
  return asked === undefined ? (countedTexts(body).at(-1) ?? '') : textOf(asked.content);
}

/** The scoring that the demonstration model tiny-scorer was trained on: 20 a match, 4 a year up to ten of them. */
function scoreText(rubric: string, candidate: string, less: number): string {
  const required = /Required: (.*)/.exec(rubric)?.[1]?.split(', ') ?? [];
  const words = new Set(candidate.match(/\w+/g));
  const years = Number(/(\d+) years?\b/.exec(candidate)?.[1] ?? 0);
  const matched = required.filter((skill) => words.has(skill));
  const score = Math.max(0, 20 * matched.length + 4 * Math.min(years, 10) - less);
  return JSON.stringify({ matched, score, verdict: verdictOf(score) });
}

function verdictOf(score: number): string {
  if (score >= 70) return 'hire';
  return score >= 40 ? 'maybe' : 'reject';
}

function beforeStop(answer: string, stop: unknown): string {
  if (stop === undefined || stop === null) return answer;
  const ends = [stop].flat().flatMap((end) => (typeof end === 'string' && end !== '' ? [answer.indexOf(end)] : []));
  return answer.slice(0, Math.min(answer.length, ...ends.filter((end) => end !== -1)));
}

function maxTokens(body: RequestBody): number {
  const limit = body['max_completion_tokens'] ?? body['max_tokens'];
  return typeof limit === 'number' ? limit : Number.POSITIVE_INFINITY;
}

export interface MockOutcome {
  /** How the attempt fails, or null. */
  fault: MockFault | null;
  /** What the latency is multiplied by. */
  jitter: number;
}

/** What becomes of one attempt (from 0) of a request: the same for the same seed, id and attempt, in every process. */
export function drawOutcome(options: MockOptions, id: string, attempt: number): MockOutcome {
  const { latency_jitter: share, seed } = options;
  const jitter = share === 0 ? 1 : 1 + share * (2 * drawNumber(`${seed} pace ${attempt} ${id}`) - 1);
  return { fault: options.fault_rate === 0 ? null : drawFault(options, id, attempt), jitter };
}

function drawFault(options: MockOptions, id: string, attempt: number): MockOutcome['fault'] {
  const { seed, fault_attempts: faultAttempts } = options;
  if (faultAttempts !== undefined && attempt >= faultAttempts) return null;
  const draw = faultAttempts === undefined ? attempt : 0;
  if (drawNumber(`${seed} fault ${draw} ${id}`) >= options.fault_rate) return null;
  const kinds = faultKinds(options.fault_kinds);
  return kinds[Math.floor(drawNumber(`${seed} kind ${attempt} ${id}`) * kinds.length)] ?? null;
}

/** The kinds of a comma list that the options' schema has checked. */
function faultKinds(list: string): MockFault[] {
  return list
    .split(',')
    .map(faultKind)
    .filter((kind) => kind !== null);
}

/** A number from 0 to below 1 that only the text decides. */
export const drawNumber = (seed: string): number => hash53(seed) / 2 ** 53;

/** 53 bits of a text: cyrb53 (bryc, public domain). Always the same, so that a fault comes again; nothing to tell ids apart by. */
function hash53(seed: string): number {
  let low = 0xdeadbeef;
  let high = 0x41c6ce57;
  for (let index = 0; index < seed.length; index++) {
    const code = seed.charCodeAt(index);
    low = Math.imul(low ^ code, 2654435761);
    high = Math.imul(high ^ code, 1597334677);
  }
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  return 2 ** 32 * (high & 0x1fffff) + (low >>> 0);
}
