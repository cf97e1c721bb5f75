import { randomInt } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Token } from 'node-llama-cpp';
import { EngineError } from '../../../core/errors.ts';
import { quotableText } from '../../http/body-text.ts';
import { parsedOrText } from '../../http/json-text.ts';
import { refuse, sentenceOf } from '../../request/refuse.ts';
import type { Generation } from '../answer/generate-answer.ts';
import type { Generator, TimedGeneration } from '../answer/generator.ts';
import type { GenerationSettings } from '../answer/read-body.ts';
import { type AnswerPieces, createAnswerPieces } from './answer-pieces.ts';
import { type AnswerEvent, errorText, readEvents } from './read-events.ts';
import type { ChildServer } from './start-child-server.ts';

type GeneratorTask = Parameters<Generator>[0];

/** Generates on a `llama-server`, which is given tokens and no text: what is a control token is decided here. */
export function createServerGenerator(server: ChildServer, isEogToken: (token: Token) => boolean): Generator {
  return async (task) => {
    checkPenalties(task.settings);
    const askedAt = performance.now();
    try {
      const response = await server.post('/completion', requestBody(task), task.signal);
      if (response.statusCode !== 200) throw await refusalOf(response);
      return await collect(readEvents(response), { task, askedAt, isEogToken });
    } catch (error) {
      task.signal.throwIfAborted();
      if (error instanceof EngineError) throw error;
      // A server that died ends this process, which tells the reason better than a broken connection does.
      await Promise.race([server.ended, sleep(deathMs)]);
      throw refuse('server-error', `The answer of llama-server broke off: ${sentenceOf(error)}${server.lastLog()}`);
    }
  };
}

/** Time in milliseconds that the end of a process takes to be known behind the end of its connections, and much more. */
const deathMs = 2000;

/** Refuses the penalties, for which a server counts the tokens of the prompt too: another answer than llmbatch promises. */
function checkPenalties({ frequencyPenalty, presencePenalty, repeatPenalty }: GenerationSettings): void {
  if (frequencyPenalty === 0 && presencePenalty === 0 && repeatPenalty === 1) return;
  throw refuse(
    'bad-request',
    'With a llama-server, `frequency_penalty`, `presence_penalty` and `repeat_penalty` would also count the tokens of the prompt. Remove them, or take the library, which counts only those of the answer: --option server=off.',
  );
}

function requestBody({ prompt, limit, settings, grammar }: GeneratorTask): object {
  const { temperature, topP, topK, minP, seed } = settings;
  return {
    prompt,
    n_predict: limit,
    stream: true,
    return_tokens: true,
    return_progress: true,
    cache_prompt: true,
    // The library's, in its order; a file's own settings and a server's defaults are left out.
    samplers: ['top_k', 'top_p', 'min_p', 'temperature'],
    temperature,
    top_k: topK,
    top_p: topP,
    min_p: minP,
    seed: seed === null ? randomInt(2 ** 32) : seed >>> 0,
    ...(grammar === null ? {} : { grammar: grammar.grammar }),
  };
}

async function refusalOf(response: IncomingMessage): Promise<EngineError> {
  const text = errorText(parsedOrText(await quotableText(response)));
  const kind = response.statusCode === 400 ? 'bad-request' : 'server-error';
  return refuse(kind, `llama-server refused the request (${response.statusCode}): ${text}`);
}

interface AnswerContext {
  task: GeneratorTask;
  askedAt: number;
  isEogToken: (token: Token) => boolean;
}

/** Makes an answer of the events. To return before the last one closes the connection, and the server stops. */
async function collect(
  events: AsyncIterable<AnswerEvent>,
  { task, askedAt, isEogToken }: AnswerContext,
): Promise<TimedGeneration> {
  const pieces = createAnswerPieces(task.settings.stop, task.grammar !== null);
  const prompt = createPromptProgress(task, askedAt);
  const finished = (end: Generation['end'], repetition: Generation['repetition'] = null): TimedGeneration => ({
    text: pieces.text(),
    answerTokens: pieces.tokens(),
    ...prompt.counts(),
    end,
    stop: pieces.metStop(),
    repetition,
  });
  let isFirst = true;
  for await (const event of events) {
    if (event.prompt !== null) prompt.note(event.prompt);
    if (event.predicted === 0) continue;
    if (isFirst) task.onFirstToken();
    isFirst = false;
    if (event.end !== null) return finished(endOf(event, { pieces, task }));
    if (event.tokens.some((token) => isEogToken(token as Token))) continue;
    if (addPiece(event, { pieces, task })) return finished('stop-string');
    const repetition = task.allowRepetition ? null : pieces.repetition();
    if (repetition !== null) return finished('repetition', repetition);
  }
  throw new Error('the stream ended without its last event');
}

interface Growing {
  pieces: AnswerPieces;
  task: GeneratorTask;
}

/** Returns true where the answer now holds a stop string. */
function addPiece({ content, predicted }: AnswerEvent, { pieces, task }: Growing): boolean {
  const before = pieces.tokens();
  const isStopped = pieces.add(content, predicted);
  for (let told = before; told < pieces.tokens(); told++) task.onToken();
  return isStopped;
}

/** The cause of the end. Throws where the server has not answered what it was asked. */
function endOf({ end, predicted }: AnswerEvent, { pieces, task }: Growing): Generation['end'] {
  const isEog = end?.type === 'eos';
  if (end === null || end.isCut || end.promptTokens !== task.prompt.length || (!isEog && end.type !== 'limit'))
    throw refuse('server-error', `llama-server did not answer the whole prompt: ${JSON.stringify(end)}`);
  pieces.end(isEog ? predicted - 1 : predicted);
  return isEog ? 'eog' : 'limit';
}

/** Tells how much of the prompt is computed, and counts what the cache had. */
function createPromptProgress({ onActivity, onPrompt }: GeneratorTask, askedAt: number) {
  let queueMs: number | null = null;
  let cachedTokens = 0;
  let told = 0;
  return {
    note({ cached, processed }: { cached: number; processed: number }): void {
      if (queueMs === null) {
        queueMs = performance.now() - askedAt;
        cachedTokens = cached;
        told = cached;
        onActivity();
        onPrompt(0, cached);
      }
      if (processed <= told) return;
      onPrompt(processed - told, 0);
      told = processed;
    },
    counts: () => ({ cachedTokens, queueMs: queueMs ?? 0 }),
  };
}
