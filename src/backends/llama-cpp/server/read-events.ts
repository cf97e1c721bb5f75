import { isRecord } from '../../../data/is-record.ts';
import { createLineReader } from '../../http/body-text.ts';
import { foreignText, parsedOrText } from '../../http/json-text.ts';
import { refuse } from '../../request/refuse.ts';

/** An event of a stream of `POST /completion`, which a token of the answer makes, a piece of the prompt, or the end. */
export interface AnswerEvent {
  /** The text that came; '' while a character is not whole, and then no event comes. */
  content: string;
  tokens: number[];
  /** Tokens of the answer so far, with those for which no event came, and with the end token. */
  predicted: number;
  /** How much of the prompt is read, with what the cache had; null in an event of a token. */
  prompt: { cached: number; processed: number } | null;
  /** Of the last event; else null. */
  end: { type: string; promptTokens: number; isCut: boolean } | null;
}

/** Reads the events of a stream, which ends with the one that has an `end`. Throws an `EngineError` for any other line. */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<AnswerEvent> {
  const reader = createLineReader();
  for await (const piece of body)
    for (const line of reader.add(piece)) {
      // Empty lines end an event, and a colon begins a comment.
      if (line === '' || line.startsWith(':')) continue;
      const event = readEvent(line);
      yield event;
      if (event.end !== null) return;
    }
}

function readEvent(line: string): AnswerEvent {
  const event = dataOf(line);
  const { content, tokens, tokens_predicted: predicted } = event;
  if (typeof content !== 'string' || !isTokens(tokens) || typeof predicted !== 'number') throw unknownEvent(line);
  return { content, tokens, predicted, prompt: promptOf(event['prompt_progress']), end: endOf(event) };
}

/** The object of a line. Throws where it is an error of the server's, or nothing of the kind. */
function dataOf(line: string): Record<string, unknown> {
  const [, name, text = ''] = /^(data|error): (.*)$/.exec(line) ?? [];
  const data = name === undefined ? undefined : parsedOrText(text);
  const problem = isRecord(data) && name === 'data' ? data['error'] : data;
  if (name !== undefined && problem !== undefined)
    throw refuse('server-error', `llama-server says: ${errorText(problem)}`);
  if (!isRecord(data)) throw unknownEvent(line);
  return data;
}

/** The sentence of an error that a server sends. */
export function errorText(error: unknown): string {
  const inner = isRecord(error) && isRecord(error['error']) ? error['error'] : error;
  return foreignText(isRecord(inner) ? inner['message'] : inner).slice(0, maxQuoted);
}

const maxQuoted = 300;

const isTokens = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((token) => typeof token === 'number');

function promptOf(progress: unknown): AnswerEvent['prompt'] {
  if (!isRecord(progress)) return null;
  const { cache, processed } = progress;
  return typeof cache === 'number' && typeof processed === 'number' ? { cached: cache, processed } : null;
}

function endOf(event: Record<string, unknown>): AnswerEvent['end'] {
  if (event['stop'] !== true) return null;
  const { stop_type: type, tokens_evaluated: promptTokens, truncated } = event;
  return { type: foreignText(type), promptTokens: Number(promptTokens), isCut: truncated !== false };
}

const unknownEvent = (line: string) =>
  refuse('server-error', `llama-server sent what llmbatch does not know: ${line.slice(0, maxQuoted)}`);
