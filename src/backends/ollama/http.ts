import { type Agent, type Dispatcher, request } from 'undici';
import { isRecord } from '../../core/is-record.ts';
import { createDecoder, quotableText, wholeText } from '../server/body-text.ts';
import { readRetryAfter } from '../server/retry-after.ts';

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
    super(`a line is no part of an answer: ${JSON.stringify(line.slice(0, 100))}`);
    this.name = 'GarbledLine';
  }
}

/** Bodies of failures are read up to here. */
const mostBodyBytes = 65_536;

/**
 * The `fetch` that the ollama package is given: undici's `request`, which costs a third of its `fetch`, with what the
 * package uses of a Response. One signal ends it at any time. A status other than 200 is thrown as an `HttpFailure`: the
 * package would print to stdout, and lose the body. A broken line is thrown too: the package would drop it.
 */
export function createFetch(agent: Agent, signal: AbortSignal): typeof fetch {
  const fetchLike = async (url: string, init: RequestInit = {}) => {
    const response = await request(url, {
      method: init.method ?? 'GET',
      headers: init.headers as Record<string, string>,
      body: (init.body ?? null) as string | null,
      signal,
      dispatcher: agent,
    });
    const { statusCode: status, body } = response;
    if (status !== 200) throw await failureOf(response);
    return {
      ok: true,
      status,
      headers: new Map(),
      json: async (): Promise<unknown> => JSON.parse(await wholeText(body)),
      body: { getReader: () => lineReader(body) },
    };
  };
  return fetchLike as unknown as typeof fetch;
}

async function failureOf({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<HttpFailure> {
  return new HttpFailure(statusCode, await quotableText(body, mostBodyBytes), readRetryAfter(headers['retry-after']));
}

/** Hands out the body as it comes; throws at the first line that is no JSON object, an empty one included. */
function lineReader(body: AsyncIterable<Buffer>) {
  const chunks = body[Symbol.asyncIterator]();
  const decode = createDecoder();
  const lines = createLineCheck();
  return {
    async read(): Promise<{ done: boolean; value: Buffer | undefined }> {
      const { done = false, value } = await chunks.next();
      lines.check(decode(done ? null : value));
      if (done) lines.end();
      return done ? { done, value: undefined } : { done, value };
    },
    releaseLock: (): void => {},
  };
}

function createLineCheck() {
  let rest = '';
  return {
    check(text: string): void {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) checkLine(line);
    },
    end(): void {
      if (rest !== '') checkLine(rest);
    },
  };
}

function checkLine(line: string): void {
  if (!isObject(line)) throw new GarbledLine(line);
}

function isObject(line: string): boolean {
  try {
    return isRecord(JSON.parse(line));
  } catch {
    return false;
  }
}
