import { isRecord } from '../../../data/is-record.ts';
import { createLineReader } from '../../http/body-text.ts';
import { BrokenAnswer } from '../../http/connection-errors.ts';
import { parsedAnswer } from '../../http/json-text.ts';
import { oneLine } from '../../../text/one-line.ts';

interface Listener {
  /** Takes out of a line what must not be quoted. */
  redact: (line: string) => string;
  onActivity: () => void;
  /**
   * Returns whether the event is a part of an answer, and so a sign of life. A proxy may repeat other events while the
   * server is gone.
   */
  onEvent: (event: Record<string, unknown>) => boolean;
}

/**
 * Reads server-sent events, `data: {...}` lines, up to `data: [DONE]`; what comes after that is nothing. Comments say
 * nothing either. Any other line is no part of such a stream, and what came can't be the whole answer; no more can a
 * stream without its end.
 */
export async function readEvents(
  body: AsyncIterable<Uint8Array>,
  { redact, onActivity, onEvent }: Listener,
): Promise<void> {
  const reader = createLineReader();
  const isError = createErrorMark();
  let isDone = false;
  /** Is the line a sign of life? */
  const take = (line: string): boolean => {
    const data = dataOf(line, isError(line));
    if (data === '[DONE]') isDone = true;
    if (data === null || isDone) return data !== null;
    const event = parsedAnswer(data);
    if (!isRecord(event)) throw garbled(redact(line));
    return onEvent(event);
  };
  for await (const piece of body) {
    const lines = reader.add(piece);
    let isAlive = reader.pending() === firstByteOfData;
    for (const line of lines) isAlive = take(line) || isAlive;
    if (isAlive) onActivity();
    if (isDone) return;
  }
  take(reader.rest());
  if (!isDone) throw new BrokenAnswer('server-error', ended);
}

const ended =
  'The stream of the answer ended without its last event ([DONE]). For a server that sends none: --option stream=false.';

/** The pieces of a long event show that the server lives, before it is whole. */
const firstByteOfData = 'd'.codePointAt(0);

/**
 * Returns a function that says whether a line belongs to an `event: error`. The name holds up to the empty line that
 * ends an event.
 */
function createErrorMark(): (line: string) => boolean {
  let isMarked = false;
  return (line) => {
    if (line === '' || line === '\r') isMarked = false;
    else if (line.startsWith('event:')) isMarked = line.slice(6).trim() === 'error';
    return isMarked;
  };
}

/** Data of a line; null for a line without any. A line that does not belong to a stream is no JSON object either. */
function dataOf(line: string, isError: boolean): string | null {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  if (text === '' || text.startsWith(':') || /^(event|id|retry):/.test(text)) return null;
  if (text.startsWith('data:')) return isError ? errorData(text.slice(5).trim()) : text.slice(5).trim();
  // Older llama-servers send errors in this form in the middle of a stream.
  return text.startsWith('error:') ? `{"error":${text.slice(6)}}` : '';
}

/** The error itself, or an object that holds it, or no JSON at all. */
function errorData(data: string): string {
  const value = parsedAnswer(data);
  if (isRecord(value) && (value['error'] ?? null) !== null) return data;
  return JSON.stringify({ error: value ?? data });
}

const garbled = (line: string): BrokenAnswer =>
  new BrokenAnswer(
    'invalid-response',
    `A line of the stream is not part of an answer: ${JSON.stringify(oneLine(line.slice(0, 100)))}.`,
  );
