import type { Dispatcher } from 'undici';
import type { GenerateContext } from '../../core/backend.ts';
import { type Answer, type Failure, failure } from '../../core/completion.ts';
import type { BatchRequest } from '../../core/request.ts';
import { quotableText, textPieces, wholeText } from '../server/body-text.ts';
import { parsedOrText } from '../server/error-texts.ts';
import type { AddressCheck } from './address-check.ts';
import { classifyResponse, classifyThrown, isMissingPath, onlyPathMissing } from './classify-error.ts';
import type { OpenaiClient } from './client.ts';
import { createCollector } from './collect-answer.ts';
import { promptTexts } from './control-tokens.ts';
import type { PromptCheck } from './ollama-cuts.ts';
import { readAnswer } from './read-answer.ts';
import { readEvents } from './read-events.ts';
import { readRateLimit } from './rate-limit.ts';
import type { StreamChoice } from './stream-choice.ts';

export interface AnswerTools {
  client: OpenaiClient;
  streams: StreamChoice;
  /** Would the server read a control token in this text? */
  hasControlToken: (text: string) => boolean;
  contextTokens: number | null;
  isRightAddress: AddressCheck;
  /** Did the server see the whole prompt? */
  checkPrompt: PromptCheck;
}

/** Answers one request. Rejects only with the reason of its signal. */
export async function answerRequest(
  tools: AnswerTools,
  request: BatchRequest,
  context: GenerateContext,
): Promise<Answer> {
  const { signal } = context;
  signal.throwIfAborted();
  if (promptTexts(request.body).some(tools.hasControlToken)) return controlToken;
  const { isStreamed, end } = tools.streams.start();
  try {
    const answer = await send(tools, isStreamed, { request, context });
    if (answer.status === 'failed' && answer.kind === 'timeout') tools.streams.insist();
    return answer;
  } catch (error) {
    signal.throwIfAborted();
    return classifyThrown(error);
  } finally {
    end();
  }
}

const controlToken = failure(
  'control-token',
  'A text of the request holds what looks like a control token of a model (<|im_end|>, [INST], </s>, ...), which the server may read as one: remove it, or send it with --control-tokens allow.',
);

async function send(
  tools: AnswerTools,
  isStreamed: boolean,
  { request, context }: { request: BatchRequest; context: GenerateContext },
): Promise<Answer> {
  const { client } = tools;
  const response = await client.post(request.endpoint, wireBody(request, isStreamed), context.signal);
  context.onActivity();
  const { statusCode: status, headers } = response;
  if (status < 200 || status >= 300) return refused(tools, response, { request, context });
  // Some servers know no streams, and send the whole answer.
  const isStream = String(headers['content-type']).startsWith('text/event-stream');
  const body = isStream ? await readStream(response, client, context) : await readWhole(response, client, context);
  const read = readAnswer(body, request, tools.contextTokens);
  const cut = read.status === 'completed' ? await tools.checkPrompt(read.body, context.signal) : null;
  const answer = cut ?? read;
  const { holdMs } = readRateLimit(status, headers);
  return holdMs === undefined ? answer : { ...answer, holdMs };
}

async function refused(
  { client, isRightAddress }: AnswerTools,
  { statusCode: status, headers, body }: Dispatcher.ResponseData,
  { request, context }: { request: BatchRequest; context: GenerateContext },
): Promise<Failure> {
  const failed = classifyResponse({ status, headers, text: client.redact.inText(await quotableText(body)) });
  return isMissingPath(failed) && (await isRightAddress(context.signal))
    ? onlyPathMissing(failed, request.endpoint)
    : failed;
}

/** Keys with which `vllm serve` has no streams, and one whose answer is no text. */
const unstreamable = ['prompt_logprobs', 'use_beam_search', 'audio'];

/** The body goes as it is: the server is the judge of its keys. How the answer comes is ours. */
function wireBody({ endpoint, body }: BatchRequest, isStreamed: boolean): object {
  const { stream: _stream, stream_options: _streamOptions, ...others } = body;
  const isWhole = endpoint === '/v1/embeddings' || unstreamable.some((key) => (others[key] ?? false) !== false);
  return isStreamed && !isWhole ? { ...others, stream: true, stream_options: { include_usage: true } } : others;
}

async function readStream(
  { body }: Dispatcher.ResponseData,
  { redact }: OpenaiClient,
  { onActivity, onFirstToken }: GenerateContext,
): Promise<unknown> {
  const collector = createCollector();
  let failed: unknown;
  let hasToken = false;
  const onEvent = (event: Record<string, unknown>): void => {
    failed ??= event['error'] ?? undefined;
    collector.add(event);
    if (hasToken || !collector.hasToken()) return;
    hasToken = true;
    onFirstToken();
  };
  await readEvents(textPieces(body), { redact: redact.inText, onActivity, onEvent }).catch((error: unknown) => {
    // What the server said before it ended the stream tells more.
    if (failed === undefined) throw error;
  });
  return redact.inValue(failed === undefined ? collector.body() : { error: failed });
}

async function readWhole(
  { body }: Dispatcher.ResponseData,
  { redact }: OpenaiClient,
  { onActivity }: GenerateContext,
): Promise<unknown> {
  const text = await wholeText(body);
  onActivity();
  return redact.inValue(parsedOrText(text));
}
