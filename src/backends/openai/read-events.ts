import { isRecord } from '../../core/is-record.ts';

/** Something else than a part of an answer came, or the end did not. */
export class BrokenStream extends Error {
  readonly kind: 'invalid-response' | 'server-error';

  constructor(kind: BrokenStream['kind'], message: string) {
    super(message);
    this.name = 'BrokenStream';
    this.kind = kind;
  }
}

interface Listener {
  /** Takes out of a line what must not be kept. */
  redact: (line: string) => string;
  onActivity: () => void;
  onEvent: (event: Record<string, unknown>) => void;
}

/**
 * Reads server-sent events: `data: {...}` lines up to `data: [DONE]`. Comments are signs of life only. A line that is
 * neither is no part of such a stream, and what came can't be the whole answer; no more can a stream without its end.
 */
export async function readEvents(
  chunks: AsyncIterable<string>,
  { redact, onActivity, onEvent }: Listener,
): Promise<void> {
  let rest = '';
  let isDone = false;
  const take = (line: string): void => {
    const data = dataOf(redact(line));
    if (data === '[DONE]') isDone = true;
    else if (data !== null && !isDone) onEvent(parse(data));
  };
  for await (const chunk of chunks) {
    onActivity();
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  }
  if (rest !== '') take(rest);
  if (!isDone) throw new BrokenStream('server-error', ended);
}

const ended =
  'The stream of the answer ended without its last event ([DONE]). For a server that sends none: --option stream=false.';

/** Null for a line that says nothing. `error:` is what older llama-servers send in the middle. */
function dataOf(line: string): string | null {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  if (text === '' || text.startsWith(':') || /^(event|id|retry):/.test(text)) return null;
  if (text.startsWith('data:')) return text.slice(5).trim();
  if (text.startsWith('error:')) return `{"error":${text.slice(6)}}`;
  throw garbled(text);
}

function parse(data: string): Record<string, unknown> {
  try {
    const event: unknown = JSON.parse(data);
    if (isRecord(event)) return event;
  } catch {
    // As below.
  }
  throw garbled(data);
}

const garbled = (text: string): BrokenStream =>
  new BrokenStream(
    'invalid-response',
    `A line of the stream is no part of an answer: ${JSON.stringify(text.slice(0, 100))}.`,
  );
