import { type Agent, type Dispatcher, request } from 'undici';
import { isRecord } from '../../../data/is-record.ts';
import type { Redaction } from '../../../text/redaction.ts';
import { createLineReader, quotableText, wholeText } from '../../http/body-text.ts';
import { freeBody } from '../../http/free-body.ts';
import { foreignText, parsedAnswer } from '../../http/json-text.ts';
import { readRetryAfter } from '../../http/retry-after.ts';

/** An answer of the server that is no success. */
export class HttpFailure extends Error {
  readonly status: number;
  readonly body: string;
  readonly retryAfterMs: number | null;

  constructor(status: number, body: string, retryAfterMs: number | null) {
    super(`HTTP ${status}: ${body.slice(0, 200)}`);
    this.name = 'HttpFailure';
    this.status = status;
    this.body = body;
    this.retryAfterMs = retryAfterMs;
  }
}

/** A line of a stream that is no part of an answer: what came can't be the whole answer. */
export class GarbledLine extends Error {
  constructor(line: string) {
    super(`a line is not part of an answer: ${JSON.stringify(line.slice(0, 100))}`);
    this.name = 'GarbledLine';
  }
}

/** Bodies of failures are read up to here. */
const maxBodyBytes = 65_536;

/**
 * The `fetch` that the ollama package is given: undici's `request`, which costs a third of its `fetch`, with what the
 * package uses of a Response. One signal ends it at any time. A status other than 200 is thrown as an `HttpFailure`:
 * the package would print to stdout, and lose the body. A broken line is thrown too: the package would drop it.
 */
export function createFetch(
  agent: Agent,
  { signal, redact: { inText } }: { signal: AbortSignal; redact: Redaction },
): typeof fetch {
  const fetchLike = async (url: string, init: RequestInit = {}) => {
    const response = await request(url, {
      method: init.method ?? 'GET',
      headers: init.headers as Record<string, string>,
      body: (init.body ?? null) as string | null,
      signal,
      dispatcher: agent,
    });
    const { statusCode: status, body } = response;
    if (status !== 200) throw await failureOf(response, inText);
    return {
      ok: true,
      status,
      headers: new Map(),
      json: async () => recordIn(inText(await wholeText(body))),
      body: { getReader: () => lineReader(body, inText) },
    };
  };
  return fetchLike as unknown as typeof fetch;
}

function recordIn(text: string): Record<string, unknown> {
  const value = parsedAnswer(text);
  if (!isRecord(value)) throw new GarbledLine(text);
  return value;
}

async function failureOf(
  { statusCode, headers, body }: Dispatcher.ResponseData,
  redact: Redaction['inText'],
): Promise<HttpFailure> {
  const text = redact(await quotableText(body, maxBodyBytes));
  return new HttpFailure(statusCode, text, readRetryAfter(headers['retry-after']));
}

/** Hands out the body line by line, as the package wants it. Throws at the first line that is no part of an answer. */
function lineReader(body: Dispatcher.ResponseData['body'], redact: Redaction['inText']) {
  const lines = wholeLines(body, redact);
  return {
    async read(): Promise<{ done: boolean; value: Buffer | undefined }> {
      const { done = false, value } = await lines.next();
      return done ? { done, value: undefined } : { done, value: Buffer.from(`${value}\n`) };
    },
    releaseLock: (): void => {},
  };
}

async function* wholeLines(body: Dispatcher.ResponseData['body'], redact: Redaction['inText']): AsyncGenerator<string> {
  const reader = createLineReader();
  try {
    for await (const piece of body.iterator({ destroyOnReturn: false })) {
      for (const line of reader.add(piece as Buffer).map(redact)) {
        // Nothing is read after the last line, so the body is freed here.
        if (isLast(partIn(line))) freeBody(body);
        yield line;
      }
    }
    const rest = redact(reader.rest());
    if (rest !== '') partIn(rest);
    if (rest !== '') yield rest;
  } finally {
    freeBody(body);
  }
}

const isLast = (part: Record<string, unknown>): boolean => Boolean(part['done']) || part['status'] === 'success';

/**
 * An empty line is no part either. What the server says of a failure is thrown: the package would ask the value for its
 * text.
 */
function partIn(line: string): Record<string, unknown> {
  const part = parsedAnswer(line);
  if (!isRecord(part)) throw new GarbledLine(line);
  if ('error' in part) throw new Error(foreignText(part['error']) || 'an error without a text');
  return part;
}
