import type { Dispatcher } from 'undici';
import type { GenerateContext } from '../../../core/backend.ts';
import { type Answer, type Failure, failure, rejection } from '../../../core/completion.ts';
import { EngineError, type ErrorKind } from '../../../core/errors.ts';
import type { BatchRequest, Endpoint } from '../../../core/request.ts';
import { quotableText, wholeText } from '../../http/body-text.ts';
import { BrokenAnswer } from '../../http/connection-errors.ts';
import { dropBody, freeBody } from '../../http/free-body.ts';
import { headerText, parsedAnswer } from '../../http/json-text.ts';
import type { ModelWatch } from '../../http/model-watch.ts';
import { oneLine } from '../../../text/one-line.ts';
import type { AddressCheck } from '../http/address-check.ts';
import {
  afterAnswers,
  classifyResponse,
  classifyThrown,
  errorIn,
  isMissingPath,
  onlyPathMissing,
} from '../http/classify-error.ts';
import type { OpenaiClient } from '../http/client.ts';
import { createCollector } from './collect-answer.ts';
import { createLiveCounts } from './live-counts.ts';
import type { PromptCheck } from './ollama-cuts.ts';
import { type PrepareBody, isFailure } from './prepare-body.ts';
import { readAnswer, withUsage } from './read-answer.ts';
import { readEvents } from './read-events.ts';
import { readRateLimit } from '../http/rate-limit.ts';
import type { StreamChoice } from './stream-choice.ts';
import { watchChoices } from './watch-choices.ts';

export interface AnswerTools {
  client: OpenaiClient;
  streams: StreamChoice;
  /** Keys with which a streamed answer tells how far it is. */
  liveKeys: object;
  prepare: PrepareBody;
  contextTokens: number | null;
  allowRepetition: boolean;
  isRightAddress: AddressCheck;
  /** Paths that have answered a request. */
  answered: Set<Endpoint>;
  /** Did the server see the whole prompt? */
  checkPrompt: PromptCheck;
  watchModel: ModelWatch;
}

/** Answers one request. Rejects only with the reason of its signal. */
export async function answerRequest(
  tools: AnswerTools,
  request: BatchRequest,
  context: GenerateContext,
): Promise<Answer> {
  const { signal } = context;
  signal.throwIfAborted();
  const prepared = await prepare(tools, request, signal);
  if (isFailure(prepared)) return prepared;
  const { isStreamed, end } = tools.streams.start();
  try {
    const body = wireBody(request.endpoint, prepared, isStreamed ? tools.liveKeys : null);
    const answer = await send(tools, body, { request, context });
    if (answer.status === 'failed' && isSeenInStreams.has(answer.kind)) tools.streams.insist();
    return answer;
  } catch (error) {
    signal.throwIfAborted();
    return classifyThrown(error);
  } finally {
    end();
  }
}

/** What happens to one answer may happen to more, and is seen in time only in a stream. */
const isSeenInStreams: ReadonlySet<string> = new Set<ErrorKind>(['timeout', 'repetition']);

async function prepare(
  tools: AnswerTools,
  request: BatchRequest,
  signal: AbortSignal,
): Promise<BatchRequest['body'] | Failure> {
  try {
    return await tools.prepare(request, signal);
  } catch (error) {
    signal.throwIfAborted();
    return error instanceof EngineError ? failure(error.kind, error.message) : classifyThrown(error);
  }
}

async function send(tools: AnswerTools, body: object, { request, context }: PendingRequest): Promise<Answer> {
  const { client } = tools;
  const response = await client.post(request.endpoint, body, context.signal);
  context.onActivity();
  const { statusCode: status, headers } = response;
  if (!isAnswered(status)) return refused(tools, response, { request, context });
  tools.answered.add(request.endpoint);
  checkEncoding(response);
  // Some servers know no streams, and send the whole answer.
  const isStream = headerText(headers['content-type']).trim().toLowerCase().startsWith('text/event-stream');
  const read = await (isStream ? readStream : readWhole)(response, tools, { request, context });
  const cut = read.status === 'completed' ? await tools.checkPrompt(read.body, context.signal) : null;
  const answer = cut === null || read.status === 'failed' ? read : rejection(read, cut.kind, cut.message);
  if (read.status === 'completed') tools.watchModel(request.body.model, read.body.model);
  const { pauseMs } = readRateLimit(status, headers);
  return pauseMs === undefined ? answer : { ...answer, pauseMs };
}

/**
 * 201 is what some frameworks say to any POST, 203 what a proxy changed; other successes are no answer, or a part of
 * one.
 */
const isAnswered = (status: number): boolean => status === 200 || status === 201 || status === 203;

/** No encoding was asked for, so none is undone. */
function checkEncoding({ headers, body }: Dispatcher.ResponseData): void {
  const encoding = headerText(headers['content-encoding']).trim().toLowerCase();
  if (!/^(x-)?(gzip|deflate|br|zstd|compress)\b/.test(encoding)) return;
  freeBody(body);
  const message = `The server compressed its answer (${oneLine(encoding.slice(0, 50))}), which nothing asked for.`;
  throw new BrokenAnswer('invalid-response', message);
}

async function refused(
  { client, isRightAddress, answered }: AnswerTools,
  { statusCode: status, headers, body }: Dispatcher.ResponseData,
  { request, context }: PendingRequest,
): Promise<Failure> {
  const { inText, inValue } = client.redact;
  const failed = classifyResponse({ status, headers: inValue(headers), text: inText(await quotableText(body)) });
  if (!isMissingPath(failed)) return failed;
  if (answered.has(request.endpoint)) return afterAnswers(failed);
  return (await isRightAddress(context.signal)) ? onlyPathMissing(failed, request.endpoint) : failed;
}

/** Keys with which `vllm serve` has no streams, and one whose answer is no text. */
const unstreamable = ['prompt_logprobs', 'use_beam_search', 'audio'];

/**
 * Builds the body to send. Its other keys go as they are, for the server to accept or refuse; whether the answer is
 * streamed is our choice: `liveKeys` is null where it is not.
 */
function wireBody(endpoint: Endpoint, body: BatchRequest['body'], liveKeys: object | null): object {
  const { stream: _stream, stream_options: _streamOptions, ...others } = body;
  const isWhole = endpoint === '/v1/embeddings' || unstreamable.some((key) => (others[key] ?? false) !== false);
  if (liveKeys === null || isWhole) return others;
  return { stream_options: { include_usage: true }, ...liveKeys, ...others, stream: true };
}

interface PendingRequest {
  request: BatchRequest;
  context: GenerateContext;
}

async function readStream(
  { body }: Dispatcher.ResponseData,
  { client: { redact }, contextTokens, streams, allowRepetition }: AnswerTools,
  { request, context }: PendingRequest,
): Promise<Answer> {
  const collector = createCollector();
  const count = createLiveCounts(context);
  const watch = watchChoices(request.body, allowRepetition);
  let failed: unknown;
  let runAway: Failure | null = null;
  const onEvent = (event: Record<string, unknown>): boolean => {
    failed ??= errorIn(event);
    const isFirst = !collector.hasToken();
    const part = collector.add(event);
    if (part === 'token' && isFirst) context.onFirstToken();
    streams.add(count(event, part === 'token'));
    if (runAway === null) {
      runAway = watch(event);
      if (runAway !== null) dropBody(body);
    }
    return part !== 'nothing' || failed !== undefined;
  };
  const { onActivity } = context;
  try {
    await readEvents(body.iterator({ destroyOnReturn: false }), { redact: redact.inText, onActivity, onEvent });
  } catch (error) {
    context.signal.throwIfAborted();
    // An error that the server sent before it ended the stream tells more.
    if (failed === undefined && runAway === null) return withUsage(classifyThrown(error), collector.body()['usage']);
  } finally {
    freeBody(body);
  }
  const whole = collector.body();
  if (runAway !== null) return withUsage(redact.inValue(runAway), whole['usage']);
  // What the server was asked for so that it shows that it lives is no part of the answer.
  if (request.body['return_progress'] !== true) delete whole['prompt_progress'];
  const answer = failed === undefined ? whole : { error: failed, usage: whole['usage'] };
  return readAnswer(redact.inValue(answer), request, contextTokens);
}

async function readWhole(
  { body }: Dispatcher.ResponseData,
  { client: { redact }, contextTokens }: AnswerTools,
  { request, context }: PendingRequest,
): Promise<Answer> {
  const answer = parsedAnswer(await wholeText(body));
  context.onActivity();
  return readAnswer(redact.inValue(answer), request, contextTokens);
}
