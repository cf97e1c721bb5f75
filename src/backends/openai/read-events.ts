import { isRecord } from '../../core/is-record.ts';
import { BrokenAnswer } from '../server/broken-answer.ts';
import { parsedOrText } from '../server/error-texts.ts';
import { oneLine } from '../server/one-line.ts';

interface Listener {
  /** Takes out of a line what must not be quoted. */
  redact: (line: string) => string;
  onActivity: () => void;
  onEvent: (event: Record<string, unknown>) => void;
}

/**
 * Reads server-sent events: `data: {...}` lines up to `data: [DONE]`. Comments say nothing, not even that the engine
 * lives: a proxy writes them whatever happens behind it. Any other line is no part of such a stream, and what came can't
 * be the whole answer; no more can a stream without its end.
 */
export async function readEvents(
  chunks: AsyncIterable<string>,
  { redact, onActivity, onEvent }: Listener,
): Promise<void> {
  let rest = '';
  let isDone = false;
  const take = (line: string): void => {
    const data = dataOf(line);
    if (data === '[DONE]') isDone = true;
    if (data === null || isDone) return;
    const event = parsedOrText(data);
    if (!isRecord(event)) throw garbled(redact(line));
    onEvent(event);
  };
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n');
    if (lines.some((line) => eventStart.test(line))) onActivity();
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  }
  if (rest !== '') take(rest);
  if (!isDone) throw new BrokenAnswer('server-error', ended);
}

const ended =
  'The stream of the answer ended without its last event ([DONE]). For a server that sends none: --option stream=false.';

/** `error:` is what older llama-servers send in the middle. */
const eventStart = /^(data|error):/;

/** Null for a line that says nothing. What is no line of a stream is no JSON object either. */
function dataOf(line: string): string | null {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  if (text === '' || text.startsWith(':') || /^(event|id|retry):/.test(text)) return null;
  if (text.startsWith('data:')) return text.slice(5).trim();
  return text.startsWith('error:') ? `{"error":${text.slice(6)}}` : '';
}

const garbled = (line: string): BrokenAnswer =>
  new BrokenAnswer(
    'invalid-response',
    `A line of the stream is no part of an answer: ${JSON.stringify(oneLine(line.slice(0, 100)))}.`,
  );
